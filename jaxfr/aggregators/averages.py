"""Averages of each item's rows in which every row has a factor of its own."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import add_rows
from jaxfr.devices import for_own_part, sum_over_devices
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads, row_counts
from jaxfr.uploads.norms import row_norm
from jaxfr.uploads.statistics import fold_rows

LARGEST = float(jnp.finfo(jnp.float32).max)

Factor = Callable[[Array, Array], Array]
"""From rows ``[..., d]`` and their items' centres, likewise, to numbers in [0, 1]."""


class ScaledMean(NamedTuple):
    """Of each item the mean of its rows times their factors, and that of the factors.

    Both are 0 for an item without a row.
    """

    rows: Float[Array, "m d"]
    factors: Float[Array, " m"]


def scaled_mean(
    uploads: Uploads, factor: Factor, centres: Float[Array, "m d"]
) -> ScaledMean:
    """Means over each item's rows r, weights counted, of ``f(r) r`` and of ``f(r)``.

    In one pass over the rows, none of which is kept. No sum overflows, since each row
    is first multiplied by its share of its item's weight.

    Args:
        uploads: the rows.
        factor: f, of the rows and of their items' centres.
        centres: of the items.
    """
    num_items, dim = uploads.item_embeddings.shape
    count = jnp.maximum(row_counts(uploads), 1).astype(jnp.float32)

    def shares(weight: Array, rows: Array, count: Array, centres: Array) -> Array:
        return weight / count * factor(rows, centres)

    own_centres = for_own_part(centres)

    def add(total: ScaledMean, item: Array, weight: Array, rows: Array) -> ScaledMean:
        share = shares(weight, rows, count[item], own_centres[item])
        return ScaledMean(
            add_rows(total.rows, item, share[..., None] * rows),
            total.factors.at[item].add(share, mode="promise_in_bounds"),
        )

    nothing = ScaledMean(jnp.zeros((num_items, dim)), jnp.zeros(num_items))
    found = ScaledMean(*map(sum_over_devices, fold_rows(add, nothing, uploads)))
    for table in uploads.tables:
        of_items = count[:, None], centres[:, None]
        share = shares(table.weight, table.rows, *of_items)
        found = ScaledMean(
            found.rows + jnp.sum(share[..., None] * table.rows, axis=1),
            found.factors + jnp.sum(share, axis=1),
        )
    return found


def distance(rows: Array, centres: Array) -> Array:
    """Euclidean distances, ``[..., d]`` to ``[...]``, finite or infinite, never NaN."""
    return row_norm(jnp.clip(rows - centres, -LARGEST, LARGEST))
