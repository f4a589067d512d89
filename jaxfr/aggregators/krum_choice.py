"""Which row has Krum's smallest score: by all scores, and without most of them.

A score is the sum of a row's n smallest distances d by weight, its own of 0 included.
With L the weight of the rows that it leaves out, for any number t

    score >= sum of min(d, t) - L t,

and equality holds where t is the n-th smallest. Squared distances are quadratic in the
row, so that sums of d and of d^2 over all rows follow from their moments, and with them
a bound: over rows of weight W

    sum of min(d - t, 0) >= (sum of (d - t) - sqrt(W * sum of (d - t)^2)) / 2

by the inequality of Cauchy and Schwarz. A few far rows, such as those of colluders, are
compared one by one, so that they do not widen the sum of squares. A row whose bound is
above a known score needs no score of its own; of an item's rows, one to ten in a
hundred do.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.order_statistics import kth_smallest, sum_of_smallest
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.shapes import Float, Int

KrumDistance = Literal["squared", "plain"]

# Distances that are held at once; an item with more of them is worked off row by row.
LARGEST_MATRIX = 2**22

# Far rows, and the least number of rows that are worth bounds.
FAR, LEAST_ROWS = 16, 64


def least_score_of_all(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    nearest: Int[Array, ""],
    distance: KrumDistance,
) -> Int[Array, ""]:
    """The first row of the smallest score; every score is computed."""
    scores = all_scores(rows, weight, nearest, distance)
    return jnp.argmin(jnp.where(weight > 0, scores, jnp.inf))


def all_scores(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    nearest: Int[Array, ""],
    distance: KrumDistance,
) -> Float[Array, " k"]:
    """Every row's score; arbitrary for absent rows.

    Args:
        nearest: weight n of the distances that a score sums.
    """

    def score(squared: Array) -> Array:
        return _score(squared, weight, nearest, distance)

    if weight.size**2 <= LARGEST_MATRIX:
        return jax.vmap(score)(pairwise_squared_distances(rows, weight))
    centred = centre(rows, weight)
    squares = squared_norms(centred)
    return map_in_blocks(
        lambda row: score(squared_distances_from(centred, squares, row)),
        members_per_block(weight.size),
        jnp.arange(weight.size),
    )


def least_score(
    rows: Float[Array, "k d"], weight: Int[Array, " k"], nearest: Int[Array, ""]
) -> Int[Array, ""]:
    """As :func:`least_score_of_all` of squared distances, but the lowest bounds first.

    It is made for one item at a time, as each takes its own time, and for at least
    ``FAR`` rows.
    """
    centred = centre(rows, weight)
    squares = squared_norms(centred)

    def may_be_best(search: Search) -> Array:
        return jnp.min(search.bound) <= search.score

    def score_one(search: Search) -> Search:
        row = jnp.argmin(search.bound).astype(jnp.int32)
        squared = squared_distances_from(centred, squares, row)
        score = _score(squared, weight, nearest, "squared")
        first = (score == search.score) & (row < search.row)
        better = (score < search.score) | first
        return Search(
            search.bound.at[row].set(jnp.inf),
            jnp.where(better, score, search.score),
            jnp.where(better, row, search.row),
        )

    largest = jnp.float32(jnp.finfo(jnp.float32).max)
    last = jnp.int32(weight.size - 1)
    start = Search(bounds_of_scores(centred, weight, nearest), largest, last)
    return jax.lax.while_loop(may_be_best, score_one, start).row


class Search(NamedTuple):
    """Where a search stands: ``bound`` is infinite for rows that are done with."""

    bound: Float[Array, " k"]
    score: Array
    row: Int[Array, ""]


def _score(
    squared: Array, weight: Array, nearest: Array, distance: KrumDistance
) -> Array:
    """The sum of the nearest distances; one that overflowed is the largest number."""
    distances = jnp.sqrt(squared) if distance == "plain" else squared
    score = sum_of_smallest(distances, weight, nearest)
    # It is still that of a row: only an absent one is infinite.
    return jnp.minimum(score, jnp.finfo(score.dtype).max)


def bounds_of_scores(
    rows: Float[Array, "k d"], weight: Int[Array, " k"], nearest: Int[Array, ""]
) -> Float[Array, " k"]:
    """No score of squared distances is below; infinite for absent rows.

    With the close rows taken from their mean, t of row i is ``|x_i|^2`` and a number
    that all rows share, so that ``d_ij - t = c_j - 2 x_i x_j``.

    Args:
        rows: from :func:`centre`, so that those with a large norm are far.
    """
    present, weight_f = weight > 0, weight.astype(jnp.float32)
    far = jax.lax.top_k(weight_f * squared_norms(rows), FAR)[1]
    close = weight_f.at[far].set(0.0)
    num_close = jnp.sum(close)
    masked = jnp.where(close[:, None] > 0, rows, 0.0)
    rows = jnp.where(
        present[:, None], rows - product(close, masked) / jnp.maximum(num_close, 1), 0
    )
    squares = squared_norms(rows)
    shared = kth_smallest(squares, weight, nearest)
    limit = squares + shared  # t

    # The close rows: of c_j - 2 x_i x_j, the sum and the sum of squares.
    offset = squares - shared  # c
    total = close @ offset
    moments = product(close * rows.T, rows)
    spread = 4.0 * jnp.sum(product(rows, moments) * rows, axis=1)
    fixed = close @ jnp.square(offset)
    of_squares = fixed + spread - 4.0 * product(rows, (close * offset) @ rows)
    rounding = sum(rows.shape) * jnp.finfo(jnp.float32).eps
    of_squares += 2.0 * rounding * (fixed + spread)
    deviation = jnp.sqrt(num_close * jnp.maximum(of_squares, 0.0))

    products = product(rows[far], rows.T)
    to_far = squared_distances(squares[far][:, None], squares, products)
    of_far = weight_f[far] @ jnp.minimum(to_far, limit)
    left_out = jnp.sum(weight_f) - nearest
    bound = (num_close - left_out) * limit + (total - deviation) / 2 + of_far
    size = (num_close + left_out) * limit + close @ jnp.abs(offset) + deviation + of_far
    bound -= rounding * size
    bound = jnp.where(jnp.isnan(bound), -jnp.inf, bound)
    return jnp.where(present, bound, jnp.inf)


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
