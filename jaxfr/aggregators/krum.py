"""Krum: the row that lies closest to most others."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.aggregators.by_item import map_items
from jaxfr.aggregators.order_statistics import computed_once, sum_of_smallest
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import weight_of_clients

KrumDistance = Literal["squared", "plain"]

# Distances that are held at once; an item with more of them is worked off row by row.
LARGEST_MATRIX = 2**22


@part
def krum(krum_distance: KrumDistance = "squared") -> Rule:
    """Selects the row with the smallest sum of distances to its nearest others.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.krum(), uploads, expected_byzantine=1)[0].rows
    Array([[2.]], dtype=float32)

    The nearest are ``count - n~ - 2`` rows; where that is less than one,
    ``count - n~``; where that is, too, all others. Ties go to the first row, and so
    does the choice among rows whose sums all overflow.

    Source: Blanchard et al., "Machine learning with adversaries", NeurIPS 2017.

    Args:
        krum_distance: ``squared`` sums squared Euclidean distances, ``plain`` the
            distances themselves.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        expected = weight_of_clients(uploads, view.expected_byzantine)

        def one_item(rows: Array, weight: Array, join: Join) -> Array:
            assert join is IN_ONE_PART
            unit = uploads.client_weight
            return krum_of_item(rows, weight, expected, krum_distance, unit)

        return map_items(uploads, one_item, work_per_row=0)

    return stateless_rule(combine, needs_groups=True, expects_byzantine=True)


def krum_of_item(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    expected_byzantine: Int[Array, ""],
    distance: KrumDistance,
    client_weight: Array | int = 1,
) -> Array:
    """Krum's choice among one item's rows, ``[k, d]`` to ``[d]``; 0 for no row.

    Its derivative is that of the chosen row: which it is, is a constant.

    Args:
        distance: see ``krum``.
    """
    rows = computed_once(rows, weight)
    compared = jax.lax.stop_gradient(rows)
    count = jnp.sum(weight)
    neighbours = num_neighbours(count, expected_byzantine, client_weight)

    def score(squared: Array) -> Array:
        # A row's distance to itself, 0, is among the smallest and adds nothing.
        distances = jnp.sqrt(squared) if distance == "plain" else squared
        return sum_of_smallest(distances, weight, neighbours + client_weight)

    if weight.size**2 <= LARGEST_MATRIX:
        scores = jax.vmap(score)(pairwise_squared_distances(compared, weight))
    else:
        centred = centre(compared, weight)
        scores = map_in_blocks(
            lambda index: score(squared_distances_from(centred, index)),
            members_per_block(weight.size),
            jnp.arange(weight.size),
        )
    # A score that overflowed is still that of a row; only an absent one is infinite.
    scores = jnp.minimum(scores, jnp.finfo(scores.dtype).max)
    best = jnp.argmin(jnp.where(weight > 0, scores, jnp.inf))
    return jnp.where(count > 0, rows[best], 0.0)


def num_neighbours(
    count: Array, expected_byzantine: Array, client_weight: Array | int = 1
) -> Int[Array, ""]:
    """How many nearest rows Krum sums over, by their weight."""
    strict = count - expected_byzantine - 2 * client_weight
    loose = count - expected_byzantine
    others = count - client_weight
    least = jnp.where(loose >= client_weight, loose, others)
    wanted = jnp.where(strict >= client_weight, strict, least)
    return jnp.clip(wanted, 0, jnp.maximum(others, 0))


def pairwise_squared_distances(rows: Array, weight: Array) -> Array:
    """Squared Euclidean distances of all pairs, ``[k, d]`` to ``[k, k]``.

    ``|a|^2 + |b|^2 - 2 a.b``, one matrix product. Equal pairs are exactly equal both
    ways, so that a tie stays a tie; rows whose squares overflow are infinitely far from
    all others.
    """
    centred = centre(rows, weight)
    products = jnp.matmul(centred, centred.T, precision=jax.lax.Precision.HIGHEST)
    squares = jnp.sum(centred * centred, axis=1)
    distances = _distances(squares[:, None], squares[None, :], products)
    distances = jnp.minimum(distances, distances.T)
    return jnp.where(jnp.eye(weight.size, dtype=bool), 0.0, distances)


def squared_distances_from(centred: Array, index: Array) -> Array:
    """One line of :func:`pairwise_squared_distances`, ``[k, d]`` to ``[k]``."""
    row = centred[index]
    products = jnp.matmul(centred, row, precision=jax.lax.Precision.HIGHEST)
    squares = jnp.sum(centred * centred, axis=1)
    distances = _distances(squares[index], squares, products)
    return jnp.where(jnp.arange(centred.shape[0]) == index, 0.0, distances)


def centre(rows: Array, weight: Array) -> Array:
    """Takes the smallest present row off all rows, which changes no distance.

    What the rows have in common would be lost to rounding in ``|a|^2 - 2 a.b``.
    """
    size = jnp.where(weight > 0, jnp.max(jnp.abs(rows), axis=1), jnp.inf)
    return rows - rows[jnp.argmin(size)]


def _distances(square: Array, other: Array, product: Array) -> Array:
    distances = jnp.maximum(square + other - 2.0 * product, 0.0)
    return jnp.where(jnp.isnan(distances), jnp.inf, distances)
