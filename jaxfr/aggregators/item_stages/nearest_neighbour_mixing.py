"""Each row as the mean of those around it."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, item_wise
from jaxfr.aggregators.changed_rows import change_items
from jaxfr.aggregators.distances import (
    centre,
    product,
    squared_distances,
    squared_norms,
)
from jaxfr.aggregators.order_statistics import computed_once, count_where, kth_smallest
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import weight_of_clients

# A row is compared with so many others of its item at most.
MOST_COMPARED = 512


@part
def nearest_neighbour_mixing() -> Stage:
    """Replaces each row by the mean of the n - n~ rows of its item nearest to it.

    It is one of them itself, and of the n rows n~ are expected to be Byzantine. Where
    these are all, a row stays as it is.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.nearest_neighbour_mixing(), fr.median())
    >>> fr.aggregate(rule, uploads, expected_byzantine=1)[0].rows
    Array([[1.5]], dtype=float32)

    Of rows that tie at the end of the nearest, each counts by its weight.

    Costs the distances between all rows of an item, as Krum does without bounds, a
    search among those of each row, and as much memory as the rows' numbers. Where an
    item has room for more than 512 rows, each is compared with 512: those that stand in
    the middle of as many equal parts of all rows, each counting for its part.

    Broken by n~ that is no bound: honest rows are then mixed with malicious ones before
    a rule can tell them apart. For most items n~ is more than all of their rows, and
    nothing changes.

    Source: Allouah et al., "Fixing by mixing: a recipe for optimal Byzantine ML under
    heterogeneity", AISTATS 2023.
    """

    def mix(uploads: Uploads, view: ServerView) -> Uploads:
        expected = weight_of_clients(uploads, view.expected_byzantine)
        dim = uploads.item_embeddings.shape[1]

        def change(rows: Array, weight: Array) -> tuple[Array, Array]:
            return mixed_rows(rows, weight, expected), weight

        return change_items(
            uploads, change, lambda rows: max(min(rows, MOST_COMPARED), dim)
        )

    return item_wise(mix, needs_groups=True, expects_byzantine=True)


def mixed_rows(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    expected_byzantine: Int[Array, ""],
) -> Float[Array, "k d"]:
    """The mixed rows of one item.

    Which rows are near is a constant to derivatives.
    """
    rows = computed_once(rows, weight)
    centred = centre(jax.lax.stop_gradient(rows), weight)
    squares = squared_norms(centred)
    others, counts = compared_rows(weight)
    kept = jnp.maximum(jnp.sum(weight) - expected_byzantine, 1)
    divisor = kept.astype(jnp.float32)

    def shares_in(row: Array) -> Array:
        products = product(centred[others], centred[row])
        squared = squared_distances(squares[row], squares[others], products)
        squared = computed_once(jnp.where(others == row, 0.0, squared), counts)
        last = kth_smallest(squared, counts, kept)
        nearer, tied = squared < last, squared == last
        rest = kept - count_where(nearer, counts)
        of_tied = rest / jnp.maximum(count_where(tied, counts), 1)
        taken = jnp.where(nearer, 1.0, jnp.where(tied, of_tied, 0.0))
        return counts / divisor * taken

    def mixed(row: Array) -> Array:
        return product(shares_in(row), rows[others])

    block = members_per_block(others.size)
    return map_in_blocks(mixed, block, jnp.arange(weight.size))


def compared_rows(
    weight: Int[Array, " k"],
) -> tuple[Int[Array, " c"], Int[Array, " c"]]:
    """Which rows of an item others are compared with, and how many each stands for."""
    if weight.size <= MOST_COMPARED:
        return jnp.arange(weight.size), weight
    ends = jnp.cumsum(weight)
    whole, rest = jnp.divmod(ends[-1], MOST_COMPARED)
    number = jnp.arange(MOST_COMPARED + 1)
    edges = whole * number + rest * number // MOST_COMPARED
    counts = jnp.diff(edges)
    middle = jnp.searchsorted(ends, edges[:-1] + counts // 2, side="right")
    return jnp.minimum(middle, weight.size - 1), counts
