"""Squared distances between rows of one item, by matrix products."""

import jax
import jax.numpy as jnp
from jax import Array


def pairwise_squared_distances(rows: Array, weight: Array) -> Array:
    """Squared Euclidean distances of all pairs, ``[k, d]`` to ``[k, k]``.

    ``|a|^2 + |b|^2 - 2 a.b``, one matrix product. Equal pairs are exactly equal both
    ways, so that a tie stays a tie; rows whose squares overflow are infinitely far from
    all others.
    """
    centred = centre(rows, weight)
    products = product(centred, centred.T)
    squares = squared_norms(centred)
    distances = squared_distances(squares[:, None], squares[None, :], products)
    distances = jnp.minimum(distances, distances.T)
    return jnp.where(jnp.eye(weight.size, dtype=bool), 0.0, distances)


def squared_distances_from(centred: Array, squares: Array, row: Array) -> Array:
    """One line of :func:`pairwise_squared_distances`, ``[k, d]`` to ``[k]``."""
    products = product(centred, centred[row])
    distances = squared_distances(squares[row], squares, products)
    return jnp.where(jnp.arange(centred.shape[0]) == row, 0.0, distances)


def centre(rows: Array, weight: Array) -> Array:
    """Takes the smallest present row off all rows, which changes no distance.

    What the rows have in common would be lost to rounding in ``|a|^2 - 2 a.b``.
    """
    size = jnp.where(weight > 0, squared_norms(rows), jnp.inf)
    return rows - rows[jnp.argmin(size)]


def squared_distances(square: Array, other: Array, products: Array) -> Array:
    """``|a|^2 + |b|^2 - 2 a.b``; infinite where squares overflow."""
    distances = jnp.maximum(square + other - 2.0 * products, 0.0)
    return jnp.where(jnp.isnan(distances), jnp.inf, distances)


def squared_norms(rows: Array) -> Array:
    """``|a|^2`` of each row."""
    # A product, as XLA's CPU compiler sums short rows number by number.
    return product(rows * rows, jnp.ones(rows.shape[1]))


def product(left: Array, right: Array) -> Array:
    """A matrix product in float32, on a GPU too."""
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)
