"""Order statistics of weighted numbers, against sorting all copies."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxfr.aggregators import order_statistics
from jaxfr.devices import AXIS, IN_ONE_PART, OVER_DEVICES, Join

COUNT, LARGEST_WEIGHT = 12, 3
EVERY_K = np.arange(1, COUNT * LARGEST_WEIGHT + 1)
LARGEST = float(np.finfo(np.float32).max)
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
SPECIAL = [0.0, -0.0, 1.0, -1.0, LARGEST, -LARGEST, SMALLEST_NORMAL, -SMALLEST_NORMAL]
DENORMAL = [1e-45, -1e-45, 1e-39, -1e-39, 1.1e-38, -1.1e-38]

normal = st.floats(width=32, allow_nan=False, allow_infinity=False).filter(
    lambda value: value == 0 or abs(value) >= SMALLEST_NORMAL
)
moderate = st.floats(-100, 100, width=32, allow_subnormal=False) | st.sampled_from(
    [0.0, 1.0, 2.0]
)
weight_lists = hnp.arrays(np.int32, COUNT, elements=st.integers(0, LARGEST_WEIGHT))
some_examples = settings(max_examples=50)


def numbers(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, COUNT, elements=elements)


every_kth = jax.jit(jax.vmap(order_statistics.kth_smallest, in_axes=(None, None, 0)))
every_kth_by_sort = jax.jit(
    jax.vmap(order_statistics.kth_smallest_by_sort, in_axes=(None, None, 0))
)
every_sum = jax.jit(jax.vmap(order_statistics.sum_of_smallest, in_axes=(None, None, 0)))
middle_values = jax.jit(order_statistics.middle_values)
# Below, at and above whole lanes and tiles.
SIZES = [1, 7, 8, 9, 24, 127, 128, 136, 255, 256, 257, 264, 383, 384, 512, 600]
# Sizes that are reduced in one piece and in tiles.
LARGE_SIZES = [256, 264, 384, 385, 1024]
every_large_size = pytest.mark.parametrize("size", LARGE_SIZES)
weighted_median = jax.jit(order_statistics.weighted_median)


@given(values=numbers(normal | st.sampled_from(SPECIAL)), weights=weight_lists)
@some_examples
def test_the_kth_smallest_is_that_of_all_copies_sorted(values, weights):
    expected = np.sort(np.repeat(values, weights))
    for kth in (every_kth, every_kth_by_sort):
        found = np.asarray(kth(values, weights, EVERY_K))[: len(expected)]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.device
@given(values=numbers(st.sampled_from(SPECIAL + DENORMAL)), weights=weight_lists)
@some_examples
def test_the_kth_smallest_is_exact_among_denormal_numbers(values, weights):
    expected = np.sort(np.repeat(values, weights))
    found = np.asarray(every_kth(values, weights, EVERY_K))[: len(expected)]
    np.testing.assert_array_equal(found, expected)


def test_the_kth_smallest_may_be_infinite():
    values = np.array([np.inf, 1, -np.inf, LARGEST] + [0] * 8, np.float32)
    weights = np.array([2, 1, 1, 1] + [0] * 8)
    found = every_kth(values, weights, EVERY_K)[:5]
    np.testing.assert_array_equal(found, [-np.inf, 1, LARGEST, np.inf, np.inf])


@given(values=numbers(normal))
@some_examples
def test_keys_are_ordered_as_the_numbers_are(values):
    keys = np.asarray(order_statistics.ordered_key(jnp.asarray(values)))
    below = values[:, None] < values[None, :]
    assert np.all((keys[:, None] < keys[None, :])[below])


@given(values=numbers(normal | moderate), weights=weight_lists)
@some_examples
def test_the_middle_values_enclose_the_middle(values, weights):
    copies = np.sort(np.repeat(values, weights))
    if len(copies) > 0:
        lower, upper = middle_values(values, weights)
        assert lower == copies[(len(copies) - 1) // 2]
        assert upper == copies[len(copies) // 2]


@pytest.mark.device
@given(values=numbers(moderate), weights=weight_lists)
@some_examples
def test_the_median_is_that_of_all_copies(values, weights):
    copies = np.repeat(values, weights).astype(np.float64)
    expected = np.median(copies) if len(copies) > 0 else 0.0
    found = weighted_median(values, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-36)


@pytest.mark.parametrize("lower", SPECIAL)
@pytest.mark.parametrize("upper", SPECIAL)
def test_the_median_of_the_largest_numbers_does_not_overflow(lower, upper):
    values = np.full(COUNT, lower, np.float32)
    values[1::2] = upper
    expected = np.median(values.astype(np.float64))
    found = weighted_median(values, np.ones(COUNT, np.int32))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=SMALLEST_NORMAL)


@given(values=numbers(moderate), weights=weight_lists)
@some_examples
def test_the_sum_of_the_smallest_is_that_of_all_copies(values, weights):
    copies = np.sort(np.repeat(values, weights)).astype(np.float64)
    found = np.asarray(every_sum(values, weights, EVERY_K))[: len(copies)]
    scale = np.abs(copies).max(initial=0.0)
    np.testing.assert_allclose(
        found, np.cumsum(copies), rtol=1e-5, atol=1e-5 * scale + 1e-36
    )


@pytest.mark.parametrize("value", [0.0, 3.0, np.inf])
def test_the_sum_of_no_number_is_zero(value):
    values, weights = jnp.full(COUNT, value), jnp.ones(COUNT, jnp.int32)
    assert order_statistics.sum_of_smallest(values, weights, jnp.int32(0)) == 0


def test_infinite_numbers_beyond_the_smallest_leave_their_sum_finite():
    values = jnp.float32([np.inf, 1.0, 2.0, np.inf])
    for weights in ([1, 2, 1, 1], [0, 2, 1, 0]):
        found = every_sum(values, jnp.int32(weights), jnp.arange(1, 4))
        np.testing.assert_array_equal(found, [1.0, 2.0, 4.0])


# --- Tiles ---


def integers(size: int) -> Any:
    """Whose sums no float32 holds, in NumPy."""
    random = np.random.default_rng(size)
    return random.integers(-(2**21), 2**21, size).astype(np.int32)


OPERATIONS: Any = [(jnp.add, np.sum), (jnp.minimum, np.min), (jnp.maximum, np.max)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("operation", "expected"), OPERATIONS)
def test_sums_and_extremes_in_tiles_are_those_of_all_numbers(operation, expected, size):
    values, others = integers(size), integers(size + 1)[:size]
    found = jax.jit(
        functools.partial(order_statistics.in_tiles, operation, jnp.subtract)
    )(values, others)
    assert found.dtype == jnp.int32
    assert found == expected(values - others)


def test_tiles_of_several_arrays_at_once_are_those_of_each():
    values: Any = np.stack([integers(384), -integers(384)])
    in_tiles = functools.partial(order_statistics.in_tiles, jnp.add, jnp.asarray)
    np.testing.assert_array_equal(jax.vmap(in_tiles)(values), values.sum(axis=1))


def test_a_size_is_padded_to_whole_lanes_and_beyond_two_tiles_to_whole_tiles():
    for size in range(1, 601):
        reduced_fast = (
            larger
            for larger in range(size, size + 129)
            if (larger <= 256 and larger % 8 == 0) or larger % 128 == 0
        )
        assert order_statistics.padded_size(size) == next(reduced_fast)


@pytest.mark.parametrize("size", SIZES)
def test_chosen_numbers_are_counted_and_summed_with_their_weights(size):
    random = np.random.default_rng(size)
    chosen, weights = random.random(size) < 0.5, random.integers(0, 4, size)
    values = random.normal(size=size).astype(np.float32)
    values[~chosen] = np.inf
    weights = weights.astype(np.int32)
    count = jax.jit(order_statistics.count_where)(chosen, weights)
    assert count == weights[chosen].sum()
    total = jax.jit(order_statistics.sum_where)(chosen, values, weights)
    expected = np.sum(weights[chosen] * values[chosen].astype(np.float64))
    np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.device
@given(values=numbers(normal | st.sampled_from([*SPECIAL, *DENORMAL, np.inf, -np.inf])))
@some_examples
def test_a_key_gives_back_its_number_bit_for_bit(values):
    keys = order_statistics.ordered_key(jnp.asarray(values))
    found = np.asarray(order_statistics.value_of_key(keys))
    np.testing.assert_array_equal(found.view(np.int32), values.view(np.int32))


# --- Many numbers ---


def many_numbers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of them equal, some of weight 0."""
    random = np.random.default_rng(size)
    values = np.round(random.normal(size=size), 2).astype(np.float32)
    return values, random.integers(0, LARGEST_WEIGHT + 1, size).astype(np.int32)


@pytest.mark.device
@every_large_size
def test_every_kth_of_many_numbers_is_that_of_all_copies_sorted(size):
    values, weights = many_numbers(size)
    expected = np.sort(np.repeat(values, weights))
    every_k = np.arange(1, size * LARGEST_WEIGHT + 1)
    found = np.asarray(every_kth(values, weights, every_k))[: len(expected)]
    np.testing.assert_array_equal(found, expected)


@every_large_size
@pytest.mark.parametrize("parity", [0, 1])
def test_the_middle_values_of_many_numbers_enclose_the_middle(size, parity):
    values, weights = many_numbers(size)
    weights[0] += (weights.sum() + parity) % 2
    copies = np.sort(np.repeat(values, weights))
    assert len(copies) % 2 == parity
    lower, upper = middle_values(values, weights)
    assert lower == copies[(len(copies) - 1) // 2]
    assert upper == copies[len(copies) // 2]


def test_middle_values_far_apart_are_found_among_many_numbers():
    values = np.repeat(np.array([-3, 5], np.float32), 192)
    np.testing.assert_array_equal(middle_values(values, np.ones(384, int)), [-3, 5])


@pytest.mark.device
@every_large_size
def test_every_sum_of_the_smallest_of_many_is_that_of_all_copies(size):
    values, weights = many_numbers(size)
    copies = np.sort(np.repeat(values, weights)).astype(np.float64)
    every_k = np.arange(1, size * LARGEST_WEIGHT + 1)
    found = np.asarray(every_sum(values, weights, every_k))[: len(copies)]
    scale = np.abs(copies).sum()
    np.testing.assert_allclose(found, np.cumsum(copies), rtol=1e-5, atol=1e-6 * scale)


# --- Numbers in parts ---

PARTS = 3


class Found(NamedTuple):
    """What is found of some numbers, with or without their being in parts."""

    total: jax.Array
    below: jax.Array
    kth: jax.Array
    middle: tuple[jax.Array, jax.Array]
    median: jax.Array
    sum_below: jax.Array


def find_all(values: jax.Array, weights: jax.Array, join: Join) -> Found:
    every_k = jnp.asarray(EVERY_K)
    below = values < 0.5
    return Found(
        total=order_statistics.count_all(weights, join),
        below=order_statistics.count_where(below, weights, join),
        kth=jax.vmap(lambda k: order_statistics.kth_smallest(values, weights, k, join))(
            every_k
        ),
        middle=order_statistics.middle_values(values, weights, join),
        median=order_statistics.weighted_median(values, weights, join),
        sum_below=order_statistics.sum_where(below, values, weights, join),
    )


@jax.jit
def find_in_one_part(values: jax.Array, weights: jax.Array) -> Found:
    return find_all(values, weights, IN_ONE_PART)


@jax.jit
def find_in_parts(values: jax.Array, weights: jax.Array) -> Found:
    def on_each(values: jax.Array, weights: jax.Array) -> Found:
        return find_all(values, weights, OVER_DEVICES)

    cut = (field.reshape(PARTS, -1) for field in (values, weights))
    return jax.vmap(on_each, axis_name=AXIS)(*cut)


@given(values=numbers(moderate | st.sampled_from(DENORMAL)), weights=weight_lists)
@some_examples
def test_every_device_finds_what_is_found_in_one_part(values, weights):
    expected = find_in_one_part(values, weights)
    found = find_in_parts(values, weights)
    for name in ("total", "below", "kth", "middle", "median"):
        for field, single in zip(
            jax.tree.leaves(getattr(found, name)),
            jax.tree.leaves(getattr(expected, name)),
            strict=True,
        ):
            for of_device in np.asarray(field):
                np.testing.assert_array_equal(of_device, single, err_msg=name)
    scale = np.sum(np.abs(values) * weights)
    for of_device in np.asarray(found.sum_below):
        np.testing.assert_allclose(
            of_device, expected.sum_below, rtol=1e-6, atol=1e-6 * scale + 1e-36
        )


@pytest.mark.parametrize("holder", range(PARTS))
def test_all_numbers_may_lie_in_one_of_the_parts(holder):
    values = np.random.default_rng(0).normal(size=COUNT).astype(np.float32)
    weights = np.zeros((PARTS, COUNT // PARTS), np.int32)
    weights[holder] = [2, 0, 1, 4]
    copies = np.sort(np.repeat(values, weights.reshape(-1)))
    found = find_in_parts(values, weights.reshape(-1))
    for device in range(PARTS):
        assert found.total[device] == copies.size
        np.testing.assert_array_equal(found.kth[device][: copies.size], copies)
        assert found.median[device] == copies[copies.size // 2]


def test_where_no_part_has_a_number_the_median_is_zero():
    found = find_in_parts(jnp.ones(COUNT), jnp.zeros(COUNT, jnp.int32))
    np.testing.assert_array_equal(found.total, 0)
    np.testing.assert_array_equal(found.median, 0)
