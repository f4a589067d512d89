"""What one client trains on in a round: its pairs over its distinct items."""

from typing import NamedTuple

import chex
import jax.numpy as jnp
from jax import Array

from jaxfr.sampling import PADDING_ITEM


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


def make_batch(positives: Array, negatives: Array) -> Batch:
    """Pairs one client's positives with its negatives, and merges equal negatives.

    Args:
        positives: distinct items, padded with ``PADDING_ITEM``, int32 ``[width]``.
        negatives: one for each positive, padded alike, int32 ``[width]``.
    """
    chex.assert_equal_shape([positives, negatives])
    ascending = jnp.sort(negatives)
    is_first = jnp.append(True, ascending[1:] != ascending[:-1])
    items = jnp.concatenate([positives, ascending])
    present = jnp.append(jnp.ones(positives.shape, bool), is_first)
    present &= items != PADDING_ITEM
    first_place = jnp.searchsorted(ascending, negatives)
    return Batch(
        items=jnp.where(present, items, 0),
        present=present,
        negative=positives.size + first_place.astype(jnp.int32),
        pair=positives != PADDING_ITEM,
    )
