"""Order statistics of a multiset of numbers, each with an integer weight.

A number of weight w counts as w equal numbers, one of weight 0 as absent. All
functions here take one coordinate of one item; batching is ``vmap`` outside.

The multiset may lie in parts, one on each device. Counts of the parts add up, so a
search by counting needs no number to be moved: ``join`` says how what the parts amount
to is joined, and the answer is the same on all devices.

Which numbers are the answer is a constant to derivatives, so none is taken of a search:
:func:`number_at` says what the derivative of a found number is.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.platforms import on_cpu
from jaxfr.shapes import Float, Int

# Integers side by side, and steps of them: so many XLA's CPU compiler reduces in
# vector instructions.
LANES, STEPS = 8, 16
TILE = LANES * STEPS

# Arrays of the size of the rows that a rule keeps at once: the rows, their keys, the
# distances from the median, and what is counted. A pass takes a fifth less where all of
# them stay in a core's cache.
ARRAYS = 4

LARGEST_KEY, SMALLEST_KEY = 2**31 - 1, -(2**31)

# Bits of a k-th smallest number that one pass finds, which for b of them compares each
# number 2^b - 1 times. A CPU, which compares no faster than it reads, is fastest with
# one bit; a GPU waits for each pass to start and for memory.
CPU_DIGIT_BITS, GPU_DIGIT_BITS = 1, 4


def in_tiles(reduce: Any, function: Callable[..., Array], *arrays: Array) -> Array:
    """Reduces ``function(*arrays)``, integers, ``[n]`` each to a scalar, by tiles.

    XLA's CPU compiler makes a scalar loop of the reduction of integers that lie side by
    side. Here the steps of a tile are reduced first, lane by lane, which are vector
    instructions whether XLA unrolls loops or not, and take a quarter of the time. The
    barrier keeps XLA from joining what follows with it. A GPU takes it whole.

    Args:
        reduce: an associative ``jnp.ufunc`` of two numbers, such as ``jnp.add``.
        function: of one number of each array. It is called step by step, as XLA would
            write out what is cut afterwards.
        *arrays: fast where n is as :func:`padded_size` makes it.
    """
    size = arrays[0].size
    if not on_cpu() or size == 0 or size != padded_size(size):
        return reduce.reduce(function(*arrays))
    steps = size // LANES if size <= 2 * TILE else STEPS
    tiles = [array.reshape(-1, steps, LANES) for array in arrays]
    lanes = functools.reduce(
        reduce, (function(*(tile[:, step] for tile in tiles)) for step in range(steps))
    )
    return reduce.reduce(jax.lax.optimization_barrier(lanes), axis=None)


def padded_size(count: int) -> int:
    """The next size that :func:`in_tiles` reduces fast."""
    multiple = LANES if count <= 2 * TILE else TILE
    return -(-count // multiple) * multiple


def count_all(weights: Array, join: Join = IN_ONE_PART) -> Array:
    """The weight of all numbers, int32 ``[n]`` to int32."""
    return join.sum(jnp.sum(weights))


def count_where(chosen: Array, weights: Array, join: Join = IN_ONE_PART) -> Array:
    """The weight of the chosen numbers, bool and int32 ``[n]`` to int32."""
    return join.sum(in_tiles(jnp.add, _weight_where, chosen, weights))


def count_below(keys: Array, bound: Array, weights: Array) -> Array:
    """The weight of the numbers below a bound, int32 ``[n]`` to int32."""

    def below(keys: Array, weights: Array) -> Array:
        return _weight_where(keys < bound, weights)

    return in_tiles(jnp.add, below, keys, weights)


def _weight_where(chosen: Array, weights: Array) -> Array:
    return jnp.where(chosen, weights, 0)


def sum_where(
    chosen: Array, values: Array, weights: Array, join: Join = IN_ONE_PART
) -> Array:
    """The weighted sum of the chosen numbers, ``[n]`` each to a scalar."""
    return join.sum(jnp.sum(jnp.where(chosen, weights * values, 0.0)))


@jax.custom_jvp
def computed_once(values: Array, weights: Int[Array, " n"]) -> Array:
    """The same values, which no use of them computes anew.

    XLA may compute what is cheap in each place that uses it, and rounds it there with
    or without fused multiply-add. A rule that searches in one rounding of the rows and
    counts in the other errs by whole ranks. The outcome of a loop is computed once; XLA
    does not know that this one never turns. (It looks through an optimization barrier.)
    """
    impossible = jnp.sum(weights) < 0
    return jax.lax.while_loop(lambda _: impossible, jnp.negative, values)


@computed_once.defjvp
def _of_the_same(
    primals: tuple[Array, Array], tangents: tuple[Array, Any]
) -> tuple[Array, Array]:
    return computed_once(*primals), tangents[0]


def ordered_key(values: Array) -> Array:
    """Maps float32 to int32 so that the order of finite numbers is kept.

    Its own inverse on the bits: negative numbers get their magnitude bits flipped.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)
    return _flip_negative(bits)


def value_of_key(keys: Array) -> Array:
    """The inverse of :func:`ordered_key`."""
    return jax.lax.bitcast_convert_type(_flip_negative(keys), jnp.float32)


def _flip_negative(bits: Array) -> Array:
    sign = jax.lax.shift_right_arithmetic(bits, jnp.int32(31))
    return bits ^ (sign & jnp.int32(0x7FFFFFFF))


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def number_at(
    key: Int[Array, ""],
    keys: Int[Array, " n"],
    values: Float[Array, " n"],
    weights: Int[Array, " n"],
    join: Join,
) -> Array:
    """The number with a key, which is that of at least one of the values.

    It moves as the value that has the key does. Where several have it, each has a share
    of the derivative in proportion to its weight: shares add up to 1, as they do away
    from ties.

    Args:
        join: where the values lie in parts, how those are joined.
    """
    return value_of_key(key)


@number_at.defjvp
def _shared_by_holders(
    join: Join,
    primals: tuple[Array, Array, Array, Array],
    tangents: tuple[Any, Any, Array, Any],
) -> tuple[Array, Array]:
    key, keys, _, weights = primals
    holds = keys == key
    total = sum_where(holds, tangents[2], weights, join)
    holders = count_where(holds, weights, join)
    return value_of_key(key), total / jnp.maximum(holders, 1)


def kth_smallest(
    values: Float[Array, " n"],
    weights: Int[Array, " n"],
    k: Int[Array, ""],
    join: Join = IN_ONE_PART,
) -> Array:
    """Returns the k-th smallest number, k from 1 to the sum of weights.

    Finds the bits of the answer from the highest to the lowest, :func:`digit_bits` of
    them at once: the largest digit with fewer than k numbers below it. That is at most
    32 counting passes and no sort, exact, and weights cost nothing. A sort of (value,
    weight) pairs, the plain form :func:`kth_smallest_by_sort`, costs many times as much
    on a CPU.

    Args:
        join: where the numbers lie in parts, how those are joined.
    """
    keys = ordered_key(values)
    return number_at(_kth_key(keys, weights, k, join), keys, values, weights, join)


def _kth_key(keys: Array, weights: Array, k: Array, join: Join) -> Array:
    bits = digit_bits()

    def find_digit(step: Array, answer: Array) -> Array:
        place = 32 - bits * (step + 1)
        # One after the other, so that XLA counts them all in one pass over the keys.
        below = [
            count_below(keys, answer + (jnp.int32(digit) << place), weights)
            for digit in range(1, 2**bits)
        ]
        digit = jnp.sum(join.sum(jnp.stack(below)) < k, dtype=jnp.int32)
        return answer + (digit << place)

    return jax.lax.fori_loop(0, 32 // bits, find_digit, jnp.int32(SMALLEST_KEY))


def digit_bits() -> int:
    """How many bits of a k-th smallest number one pass finds; divides 32."""
    return CPU_DIGIT_BITS if on_cpu() else GPU_DIGIT_BITS


def kth_smallest_by_sort(values: Array, weights: Array, k: Array) -> Array:
    """The plain form of :func:`kth_smallest`, for tests: a sort masked by weight."""
    order = jnp.argsort(values)
    index = jnp.searchsorted(jnp.cumsum(weights[order]), k)
    return values[order][index]


def middle_values(
    values: Array, weights: Array, join: Join = IN_ONE_PART
) -> tuple[Array, Array]:
    """The two middle values; equal for an odd count, arbitrary for none."""
    count = count_all(weights, join)
    keys = computed_once(ordered_key(values), weights)
    lower = _kth_key(keys, weights, (count + 1) // 2, join)
    reached = count_where(keys <= lower, weights, join)
    above = jnp.where((keys > lower) & (weights > 0), keys, LARGEST_KEY)
    next_key = join.min(in_tiles(jnp.minimum, jnp.asarray, above))
    upper = jnp.where(reached > count // 2, lower, next_key)
    return (
        number_at(lower, keys, values, weights, join),
        number_at(upper, keys, values, weights, join),
    )


def weighted_median(values: Array, weights: Array, join: Join = IN_ONE_PART) -> Array:
    """The mean of the two middle values; 0 where nothing is there."""
    lower, upper = middle_values(values, weights, join)
    return jnp.where(count_all(weights, join) > 0, midpoint(lower, upper), 0.0)


def midpoint(lower: Array, upper: Array) -> Array:
    """Half the way between two numbers, without overflow."""
    # Not half of one plus half of the other: XLA makes that half of their sum.
    like_signs = (lower < 0.0) == (upper < 0.0)
    half = 0.5 * jnp.where(like_signs, upper - lower, upper + lower)
    return jnp.where(like_signs, lower + half, half)


def sum_of_smallest(values: Array, weights: Array, count: Array) -> Array:
    """The sum of the ``count`` smallest numbers; 0 where ``count`` is 0."""
    values = computed_once(values, weights)
    threshold = kth_smallest(values, weights, count)
    below = values < threshold
    rest = count - count_where(below, weights)
    at_threshold = jnp.where(rest > 0, rest * threshold, 0.0)  # not 0 * infinity
    total = sum_where(below, values, weights) + at_threshold
    return jnp.where(count > 0, total, 0.0)
