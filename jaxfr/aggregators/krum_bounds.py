"""Lower bounds of Krum's scores: two for all rows of an item in O(k d^2), one by row.

A score is the sum of a row's n smallest squared distances d by weight, its own of 0
included. With L the weight of the rows that it leaves out, for any number t

    score >= sum of min(d, t) - L t = sum of d - sum of max(d - t, 0) - L t,

and equality holds where t is the n-th smallest. With rows taken from a centre, t of row
i is ``|x_i|^2`` and a number that all rows share. A few far rows, such as those of
colluders, are compared one by one; of the others the sum of d follows from their
moments, and that of max(d - t, 0) is bounded from above.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.distances import product, squared_distances, squared_norms
from jaxfr.aggregators.order_statistics import kth_smallest
from jaxfr.blocks import add_rows, sum_by_index
from jaxfr.shapes import Bool, Float, Int

# Far rows, and rings of the others about the centre.
FAR, RINGS = 16, 64

# How far out rings of one width reach, in multiples of the norm within which n rows
# lie. Beyond 1 + sqrt(2) times it all are left out by a row that is no further itself.
REACH = 2.5

_FLOAT32 = jnp.finfo(jnp.float32)
_DEVIATIONS = 10.0

# Steps to the mean of the rows that are not left out.
TRIMS = 2


class Seen(NamedTuple):
    """An item's rows as seen from a centre, and what both bounds need of them.

    Attributes:
        rows: less the centre, 0 where there is none.
        squares: of their norms.
        close: the weights of the rows that are not far, 0 for others.
        shared: t of row i is ``squares[i] + shared``.
        of_far: each row's sum of min(d, t) over the far ones.
        left_out: the weight L.
        rounding: of :func:`rounding_of`.
    """

    rows: Float[Array, "k d"]
    present: Bool[Array, " k"]
    squares: Float[Array, " k"]
    close: Float[Array, " k"]
    shared: Array
    of_far: Float[Array, " k"]
    left_out: Array
    rounding: float

    def bound(self, beyond: Array, size: Array) -> Float[Array, " k"]:
        """The bound of each score; infinite for absent rows.

        Args:
            beyond: what the sum of max(d - t, 0) over the close rows does not exceed.
            size: of the numbers that it was computed from.
        """
        number, limit = jnp.sum(self.close), self.squares + self.shared
        own, others = number * self.squares, self.close @ self.squares
        to_close = own + others - 2.0 * product(self.rows, self.close @ self.rows)
        bound = to_close - beyond - self.left_out * limit + self.of_far
        size += 2.0 * (own + others) + self.left_out * limit + self.of_far
        bound = _allowing(self.rounding, bound, size)
        return jnp.where(self.present, bound, jnp.inf)


def bounds_by_moments(
    rows: Float[Array, "k d"], weight: Int[Array, " k"], nearest: Int[Array, ""]
) -> Float[Array, " k"]:
    """No score is below; from the first two moments of each row's distances.

    Over rows of weight W, by the inequality of Cauchy and Schwarz,

        sum of max(d - t, 0) <= (sum of (d - t) + sqrt(W * sum of (d - t)^2)) / 2,

    and ``d_ij - t = c_j - 2 x_i x_j``. Tight where distances are alike, as they are of
    rows in drawn directions.

    Args:
        rows: from ``centre``, so that those with a large norm are far.
        nearest: the weight n.
    """
    far, close = _far_and_close(rows, weight)
    seen = _seen_from(_mean(rows, close), rows, weight, nearest, (far, close))
    rows, number = seen.rows, jnp.sum(close)
    offset = seen.squares - seen.shared  # c
    total = close @ offset - 2.0 * product(rows, close @ rows)
    moments = product(close * rows.T, rows)
    spread = 4.0 * jnp.sum(product(rows, moments) * rows, axis=1)
    fixed = close @ jnp.square(offset)
    of_squares = fixed + spread - 4.0 * product(rows, (close * offset) @ rows)
    of_squares += 2.0 * seen.rounding * (fixed + spread)
    deviation = jnp.sqrt(number * jnp.maximum(of_squares, 0.0))
    size = number * seen.squares + close @ jnp.abs(offset) + deviation
    return seen.bound((total + deviation) / 2, size)


def bounds_by_rings(
    rows: Float[Array, "k d"], weight: Int[Array, " k"], nearest: Int[Array, ""]
) -> Float[Array, " k"]:
    """No score is below; from the rows' distances from the centre of those kept.

    Of a ring's rows, whose norms r are within bounds, d - t is between
    ``low = min (r - |x_i|)^2 - t`` and ``high = max (r + |x_i|)^2 - t``, and as
    max(d - t, 0) is convex, their sum of it is at most

        slope * sum of (d - t - low) + sum of max(low, 0),

    with ``slope = high / (high - low)``, at least 0 and at most 1. That is exact for
    rings that row i keeps or leaves out whole, all but a few where it is near the
    centre. Tight where norms differ, as those of trained clients' rows do.

    Args:
        rows: as in :func:`bounds_by_moments`.
        nearest: the weight n.
    """
    far, close = _far_and_close(rows, weight)
    centre = _mean(rows, close)
    for _ in range(TRIMS):
        squares = squared_norms(rows - centre)
        kept = squares <= kth_smallest(squares, weight, nearest)
        centre = _mean(rows, jnp.where(kept, weight.astype(jnp.float32), 0.0))
    seen = _seen_from(centre, rows, weight, nearest, (far, close))
    norms = jnp.sqrt(seen.squares)

    # The rings: bounds of their norms, how many rows are in each, and what sums up.
    tiny = _FLOAT32.tiny
    width = REACH * jnp.sqrt(seen.shared) / (RINGS - 1)
    width = jnp.maximum(width, tiny)
    ring = jnp.minimum(norms / width, RINGS - 1).astype(jnp.int32)
    ring = jnp.clip(ring, 0, RINGS - 1)
    edges = width * jnp.arange(RINGS)
    inner = (1.0 - seen.rounding) * edges
    outer = (1.0 + seen.rounding) * (edges + width)
    most = jnp.max(jnp.where(close > 0, norms, 0.0))
    outer = outer.at[-1].max(most)
    number = sum_by_index(close, ring, RINGS)
    of_squares = sum_by_index(close * seen.squares, ring, RINGS)
    weighted = close[:, None] * seen.rows
    of_rows = add_rows(jnp.zeros((RINGS, rows.shape[1])), ring, weighted)

    # Row by row and ring by ring: |x_i|^2 is in d and in t.
    total = of_squares - number * seen.shared - 2.0 * product(seen.rows, of_rows.T)
    own = norms[:, None]
    nearest_norm = jnp.clip(own, inner, outer)
    low = nearest_norm * (nearest_norm - 2.0 * own) - seen.shared
    high = outer * (outer + 2.0 * own) - seen.shared
    slope = jnp.clip(high / jnp.maximum(high - low, tiny), 0.0, 1.0)
    beyond = slope * (total - number * low) + number * jnp.maximum(low, 0.0)
    size = number @ (jnp.square(outer) + seen.shared) + number.sum() * seen.squares
    return seen.bound(jnp.sum(beyond, axis=1), 4.0 * size)


def bound_at_limit(
    squared: Float[Array, " k"],
    limit: Array,
    weight: Int[Array, " k"],
    nearest: Int[Array, ""],
    rounding: float,
) -> Array:
    """No score of the row is below; from all of its distances, in one pass.

    As good as the score if the row leaves out just what is beyond the limit.

    Args:
        squared: its distances d.
        limit: the number t.
        nearest: the weight n.
        rounding: of :func:`rounding_of`.
    """
    kept = product(jnp.minimum(squared, limit), weight.astype(jnp.float32))
    out = (jnp.sum(weight) - nearest) * limit
    return _allowing(rounding, kept - out, kept + out)


def _allowing(rounding: float, bound: Array, size: Array) -> Array:
    """A bound less what numbers of this size may be rounded by; none if overflowed."""
    bound -= rounding * size
    return jnp.where(jnp.isnan(bound), -jnp.inf, bound)


def _far_and_close(rows: Array, weight: Array) -> tuple[Array, Array]:
    """Which rows are far, int32 ``[FAR]``, and the weights of the others."""
    weight = weight.astype(jnp.float32)
    far = jax.lax.top_k(weight * squared_norms(rows), FAR)[1]
    return far, weight.at[far].set(0.0)


def _mean(rows: Array, weight: Array) -> Float[Array, " d"]:
    rows = jnp.where(weight[:, None] > 0, rows, 0.0)
    return product(weight, rows) / jnp.maximum(jnp.sum(weight), 1)


def _seen_from(
    centre: Array,
    rows: Array,
    weight: Array,
    nearest: Array,
    far_and_close: tuple[Array, Array],
) -> Seen:
    far, close = far_and_close
    present, weight_f = weight > 0, weight.astype(jnp.float32)
    rows = jnp.where(present[:, None], rows - centre, 0.0)
    squares = squared_norms(rows)
    shared = kth_smallest(squares, weight, nearest)
    products = product(rows[far], rows.T)
    to_far = squared_distances(squares[far][:, None], squares, products)
    return Seen(
        rows,
        present,
        squares,
        close=close,
        shared=shared,
        of_far=weight_f[far] @ jnp.minimum(to_far, squares + shared),
        left_out=jnp.sum(weight_f) - nearest,
        rounding=rounding_of(rows),
    )


def rounding_of(rows: Float[Array, "k d"]) -> float:
    """A relative error that no float32 sum over rows exceeds, but for one in 10^17.

    Errors of single additions have either sign, so that the root of their number
    counts: Higham and Mary, "A new approach to probabilistic rounding error analysis",
    SIAM Journal on Scientific Computing, 2019.
    """
    return _DEVIATIONS * math.sqrt(sum(rows.shape)) * float(_FLOAT32.eps) / 2
