"""What one client trains on in a round: its pairs over its distinct items."""

from typing import NamedTuple

import chex
import jax.numpy as jnp
from jax import Array

from jaxfr.sampling import PADDING_ITEM
from jaxfr.shapes import Bool, Int


class Batch(NamedTuple):
    """Pairs of a positive and a negative item, of one client, and pseudo items.

    Pair p's positive stands at position p of ``items``; the negatives follow behind all
    positives, and the pseudo items, which the client only pretends to have interacted
    with, behind them. Of an item that was drawn twice, one position holds it.

    Attributes:
        items: distinct items, 0 where there is none, int32 ``[2 * width + pseudo]``.
        present: whether the position holds an item, bool of the same shape.
        negative: position in ``items`` of each pair's negative.
        pair: whether the pair exists.
    """

    items: Array
    present: Array
    negative: Int[Array, " width"]
    pair: Bool[Array, " width"]

    @property
    def num_paired(self) -> int:
        """Positions of positives and negatives, which pseudo items stand behind."""
        return 2 * self.pair.size

    @property
    def trained(self) -> Array:
        """Whether the position holds an item of some pair, bool like ``present``."""
        return self.present & (jnp.arange(self.items.size) < self.num_paired)


def make_batch(
    positives: Int[Array, " width"],
    negatives: Int[Array, " width"],
    pseudo_items: Int[Array, " pseudo"] | None = None,
) -> Batch:
    """Pairs one client's positives with its negatives, and merges equal items.

    Args:
        positives: distinct items, padded with ``PADDING_ITEM``.
        negatives: one for each positive, padded alike.
        pseudo_items: further items that are no positives; one that is a negative too is
            left out.
    """
    chex.assert_equal_shape([positives, negatives])
    ascending, is_first = _ascending(negatives)
    items = jnp.concatenate([positives, ascending])
    present = jnp.append(jnp.ones(positives.shape, bool), is_first)
    if pseudo_items is not None:
        pseudo_items, is_new = _ascending(pseudo_items)
        is_new &= ~jnp.isin(pseudo_items, negatives)
        items = jnp.append(items, pseudo_items)
        present = jnp.append(present, is_new)
    present &= items != PADDING_ITEM
    first_place = jnp.searchsorted(ascending, negatives)
    return Batch(
        items=jnp.where(present, items, 0),
        present=present,
        negative=positives.size + first_place.astype(jnp.int32),
        pair=positives != PADDING_ITEM,
    )


def _ascending(items: Array) -> tuple[Array, Array]:
    """The items sorted, and which of them do not repeat the one before."""
    ascending = jnp.sort(items)
    return ascending, jnp.append(True, ascending[1:] != ascending[:-1])[: items.size]
