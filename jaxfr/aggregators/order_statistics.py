"""Order statistics of a multiset of numbers, each with an integer weight.

A number of weight w counts as w equal numbers, one of weight 0 as absent. All
functions here take one coordinate of one item; batching is ``vmap`` outside.
"""

import jax
import jax.numpy as jnp
from jax import Array


def ordered_key(values: Array) -> Array:
    """Maps float32 to int32 so that the order of finite numbers is kept.

    Its own inverse on the bits: negative numbers get their magnitude bits flipped.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)
    return _flip_negative(bits)


def _flip_negative(bits: Array) -> Array:
    sign = jax.lax.shift_right_arithmetic(bits, jnp.int32(31))
    return bits ^ (sign & jnp.int32(0x7FFFFFFF))


def kth_smallest(values: Array, weights: Array, k: Array) -> Array:
    """Returns the k-th smallest number, k from 1 to the sum of weights.

    Finds the bits of the answer from the highest to the lowest: a bit is set where
    fewer than k numbers lie below. That is 32 counting passes and no sort, exact, and
    weights cost nothing. A sort of (value, weight) pairs, the plain form
    :func:`kth_smallest_by_sort`, costs several times as much on a CPU.

    Args:
        values: float32 ``[n]``, finite.
        weights: int32 ``[n]``.
        k: int32 scalar; the answer is arbitrary where k is out of range.
    """
    keys = ordered_key(values)

    def count_below(threshold: Array) -> Array:
        return jnp.sum(jnp.where(keys < threshold, weights, 0))

    def try_bit(step: Array, answer: Array) -> Array:
        candidate = answer + (jnp.int32(1) << (30 - step))
        return jnp.where(count_below(candidate) < k, candidate, answer)

    lowest = jnp.int32(-(2**31))
    start = jnp.where(count_below(jnp.int32(0)) < k, jnp.int32(0), lowest)
    key = jax.lax.fori_loop(0, 31, try_bit, start)
    return jax.lax.bitcast_convert_type(_flip_negative(key), jnp.float32)


def kth_smallest_by_sort(values: Array, weights: Array, k: Array) -> Array:
    """The plain form of :func:`kth_smallest`, for tests: a sort masked by weight."""
    order = jnp.argsort(values)
    index = jnp.searchsorted(jnp.cumsum(weights[order]), k)
    return values[order][index]


def middle_values(values: Array, weights: Array) -> tuple[Array, Array]:
    """The two middle values; equal for an odd count, arbitrary for none."""
    count = jnp.sum(weights)
    lower = kth_smallest(values, weights, (count + 1) // 2)
    reached = jnp.sum(jnp.where(values <= lower, weights, 0))
    above = (values > lower) & (weights > 0)
    next_value = jnp.min(jnp.where(above, values, jnp.inf))
    return lower, jnp.where(reached >= count // 2 + 1, lower, next_value)


def weighted_median(values: Array, weights: Array) -> Array:
    """The mean of the two middle values; 0 where nothing is there."""
    lower, upper = middle_values(values, weights)
    return jnp.where(jnp.sum(weights) > 0, midpoint(lower, upper), 0.0)


def midpoint(lower: Array, upper: Array) -> Array:
    """Half the way between two numbers, without overflow."""
    # Not half of one plus half of the other: XLA makes that half of their sum.
    like_signs = (lower < 0.0) == (upper < 0.0)
    half = 0.5 * jnp.where(like_signs, upper - lower, upper + lower)
    return jnp.where(like_signs, lower + half, half)


def sum_of_smallest(values: Array, weights: Array, count: Array) -> Array:
    """The sum of the ``count`` smallest numbers; 0 where ``count`` is 0."""
    threshold = kth_smallest(values, weights, count)
    below = values < threshold
    rest = count - jnp.sum(jnp.where(below, weights, 0))
    at_threshold = jnp.where(rest > 0, rest * threshold, 0.0)  # not 0 * infinity
    total = jnp.sum(jnp.where(below, weights * values, 0.0)) + at_threshold
    return jnp.where(count > 0, total, 0.0)
