"""Krum: the row that lies closest to most others."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Aggregator, keep_rows
from jaxfr.aggregators.blocks import map_items
from jaxfr.aggregators.order_statistics import sum_of_smallest
from jaxfr.uploads import Uploads

KrumDistance = Literal["squared", "plain"]


def krum(distance: KrumDistance = "squared") -> Aggregator:
    """Selects the row with the smallest sum of distances to its nearest others.

    The nearest are ``count - n~ - 2`` rows; where that is less than one,
    ``count - n~``; where that is, too, all others. Ties go to the first row.

    Source: Blanchard et al., "Machine learning with adversaries", NeurIPS 2017.

    Args:
        distance: ``"squared"`` sums squared Euclidean distances, ``"plain"`` the
            distances themselves.
    """

    def combine(uploads: Uploads, expected_byzantine: Array) -> Array:
        def one_item(rows: Array, weight: Array) -> Array:
            return krum_of_item(rows, weight, expected_byzantine, distance)

        return map_items(uploads, one_item, work_per_row=0)

    return Aggregator(keep_rows, combine, needs_groups=True)


def krum_of_item(
    rows: Array, weight: Array, expected_byzantine: Array, distance: KrumDistance
) -> Array:
    """Krum's choice among one item's rows, ``[k, d]`` to ``[d]``; 0 for no row."""
    count = jnp.sum(weight)
    neighbours = num_neighbours(count, expected_byzantine)
    distances = pairwise_squared_distances(rows, weight)
    if distance == "plain":
        distances = jnp.sqrt(distances)
    # A row is no neighbour of itself, but the other copies of it are.
    others = weight[None, :] - jnp.eye(weight.size, dtype=weight.dtype)
    others = jnp.where(weight[None, :] > 0, others, 0)
    scores = jax.vmap(sum_of_smallest, in_axes=(0, 0, None))(
        distances, others, neighbours
    )
    best = jnp.argmin(jnp.where(weight > 0, scores, jnp.inf))
    return jnp.where(count > 0, rows[best], 0.0)


def num_neighbours(count: Array, expected_byzantine: Array) -> Array:
    """How many nearest rows Krum sums over, int32 scalar."""
    strict = count - expected_byzantine - 2
    loose = count - expected_byzantine
    wanted = jnp.where(strict >= 1, strict, jnp.where(loose >= 1, loose, count - 1))
    return jnp.clip(wanted, 0, jnp.maximum(count - 1, 0))


def pairwise_squared_distances(rows: Array, weight: Array) -> Array:
    """Squared Euclidean distances of all pairs, ``[k, d]`` to ``[k, k]``.

    ``|a|^2 + |b|^2 - 2 a.b``, one matrix product. What the rows have in common would
    be lost to rounding there, so the smallest present row is taken off all of them.
    Equal pairs are exactly equal both ways, so that a tie stays a tie; rows whose
    squares overflow are infinitely far from all others.
    """
    size = jnp.where(weight > 0, jnp.max(jnp.abs(rows), axis=1), jnp.inf)
    centred = rows - rows[jnp.argmin(size)]
    products = jnp.matmul(centred, centred.T, precision=jax.lax.Precision.HIGHEST)
    squares = jnp.sum(centred * centred, axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * products
    distances = jnp.maximum(jnp.minimum(distances, distances.T), 0.0)
    distances = jnp.where(jnp.isnan(distances), jnp.inf, distances)
    return jnp.where(jnp.eye(weight.size, dtype=bool), 0.0, distances)
