"""Which row has Krum's smallest score: by all scores, and without most of them.

A row whose lower bound (see ``krum_bounds``) is above a known score needs no score of
its own. A first bound is enough for rows in drawn directions, of which one to ten in a
hundred are scored. Where it is not, for rows of trained clients, a second one follows,
or all scores at once where there are few; and a third one before a row is scored.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.distances import (
    centre,
    pairwise_squared_distances,
    squared_distances_from,
    squared_norms,
)
from jaxfr.aggregators.krum_bounds import (
    bound_at_limit,
    bounds_by_moments,
    bounds_by_rings,
    rounding_of,
)
from jaxfr.aggregators.order_statistics import kth_smallest, sum_of_smallest
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.shapes import Float, Int

KrumDistance = Literal["squared", "plain"]

# Distances that are held at once; an item with more of them is worked off row by row.
LARGEST_MATRIX = 2**22

# The least number of rows that are worth bounds. Where more than FEW are in question,
# all scores at once or, of so many rows, a second bound, a third of the MANY rows with
# the lowest, and scores of those that are left AT_ONCE.
LEAST_ROWS, LEAST_ROWS_TWICE = 64, 129
FEW, MANY, AT_ONCE = 8, 64, 8


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
    ``LEAST_ROWS`` rows.
    """
    centred = centre(rows, weight)
    squares = squared_norms(centred)

    heaviest, rounding = jnp.argmax(weight), rounding_of(centred)

    def squared_from(row: Array) -> Array:
        return squared_distances_from(centred, squares, row)

    def score(search: Search, row: Int[Array, " some"]) -> Search:
        def score_of(row: Array) -> Array:
            return _score(squared_from(row), weight, nearest, "squared")

        scores = jax.vmap(score_of)(row)
        scores = jnp.append(
            jnp.where(search.bound[row] < jnp.inf, scores, jnp.inf), search.score
        )
        smallest = jnp.min(scores)
        first = jnp.where(scores == smallest, jnp.append(row, search.row), weight.size)
        return Search(search.bound.at[row].set(jnp.inf), smallest, jnp.min(first))

    def score_next(search: Search) -> Search:
        return score(search, jnp.argmin(search.bound)[None].astype(jnp.int32))

    def score_several(search: Search) -> Search:
        row = jax.lax.top_k(-search.bound, MANY)[1]
        best = kth_smallest(squared_from(search.row), weight, nearest)

        # A row near the best one leaves out what that does, but for a few, or a part of
        # the heaviest, such as colluders.
        def bound_of(row: Array) -> Array:
            squared = squared_from(row)
            told = weight, nearest, rounding
            at_best = bound_at_limit(squared, best, *told)
            at_heaviest = bound_at_limit(squared, squared[heaviest], *told)
            return jnp.maximum(at_best, at_heaviest)

        bound = jnp.maximum(search.bound[row], jax.vmap(bound_of)(row))
        bound = jnp.where(bound > search.score, jnp.inf, bound)
        search = search._replace(bound=search.bound.at[row].set(bound))
        return score(search, row[jax.lax.top_k(-bound, AT_ONCE)[1]])

    largest = jnp.float32(jnp.finfo(jnp.float32).max)
    last = jnp.int32(weight.size - 1)
    bound = bounds_by_moments(centred, weight, nearest)
    found = score_next(Search(bound, largest, last))
    are_many = jnp.sum(found.bound <= found.score) > FEW

    def by_few() -> Array:
        return jax.lax.while_loop(may_be_better, score_next, found).row

    def by_many() -> Array:
        if weight.size < LEAST_ROWS_TWICE:
            return least_score_of_all(rows, weight, nearest, "squared")
        again = bounds_by_rings(centred, weight, nearest)
        tighter = found._replace(bound=jnp.maximum(found.bound, again))
        return jax.lax.while_loop(may_be_better, score_several, tighter).row

    return jax.lax.cond(are_many, by_many, by_few)


class Search(NamedTuple):
    """Where a search stands.

    Attributes:
        bound: infinite for rows that are done with.
        score: the smallest one so far.
        row: whose it is.
    """

    bound: Float[Array, " k"]
    score: Array
    row: Int[Array, ""]


def may_be_better(search: Search) -> Array:
    """Whether some row's score may be below the smallest one, or equal to it."""
    return jnp.min(search.bound) <= search.score


def _score(
    squared: Array, weight: Array, nearest: Array, distance: KrumDistance
) -> Array:
    """The sum of the nearest distances; one that overflowed is the largest number."""
    distances = jnp.sqrt(squared) if distance == "plain" else squared
    score = sum_of_smallest(distances, weight, nearest)
    # It is still that of a row: only an absent one is infinite.
    return jnp.minimum(score, jnp.finfo(score.dtype).max)
