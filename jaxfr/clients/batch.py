"""What one client trains on in a round: its pairs over its distinct items."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.sampling import PADDING_ITEM, SearchMethod, complement_item


class Batch(NamedTuple):
    """Pairs of a positive and a negative item, of one client.

    Pair p's positive stands at position p of ``items``; the negatives follow behind all
    positives. Of a negative that was drawn twice, one position holds the item.

    Attributes:
        items: distinct items, 0 where there is none, int32 ``[2 * width]``.
        present: whether the position holds an item, bool ``[2 * width]``.
        negative: position in ``items`` of each pair's negative, int32 ``[width]``.
        pair: whether the pair exists, bool ``[width]``.
    """

    items: Array
    present: Array
    negative: Array
    pair: Array


def draw_negative_ranks(key: Array, user_activity: Array, num_items: int) -> Array:
    """Draws, for each training pair of all clients, which item its negative is.

    The r-th of the ``m - L`` items that the client does not hold, r uniform, with
    replacement. Drawn for all pairs at once: no draw depends on how clients are padded.

    Args:
        key: random key.
        user_activity: the number L of training items of each pair's user, int32
            ``[pairs]``.
        num_items: number of items m.

    Returns:
        int32 ``[pairs]``.
    """
    return jax.random.randint(key, user_activity.shape, 0, num_items - user_activity)


def negatives_of_client(
    rank: Array, training_items: Array, method: SearchMethod = "scan"
) -> Array:
    """Turns one client's drawn ranks into items that it does not hold.

    (The client does not know its test item, which therefore may be drawn.)

    Args:
        rank: from :func:`draw_negative_ranks`, int32 ``[width]``.
        training_items: ascending, padded with ``PADDING_ITEM``, int32 ``[width]``.
        method: from ``search_method``.

    Returns:
        int32 ``[width]``, ``PADDING_ITEM`` where the training items are padding.
    """
    drawn = complement_item(rank, training_items, method)
    return jnp.where(training_items == PADDING_ITEM, PADDING_ITEM, drawn)


def make_batch(
    positives: Array, negatives: Array, method: SearchMethod = "scan"
) -> Batch:
    """Pairs one client's positives with its negatives, and merges equal negatives.

    Args:
        positives: distinct items, padded with ``PADDING_ITEM``, int32 ``[width]``.
        negatives: one for each positive, padded alike, int32 ``[width]``.
        method: from ``search_method``.
    """
    chex.assert_equal_shape([positives, negatives])
    ascending = jnp.sort(negatives)
    is_first = jnp.append(True, ascending[1:] != ascending[:-1])
    items = jnp.concatenate([positives, ascending])
    present = jnp.append(jnp.ones(positives.shape, bool), is_first)
    present &= items != PADDING_ITEM
    first_place = jnp.searchsorted(ascending, negatives, method=method)
    return Batch(
        items=jnp.where(present, items, 0),
        present=present,
        negative=positives.size + first_place.astype(jnp.int32),
        pair=positives != PADDING_ITEM,
    )
