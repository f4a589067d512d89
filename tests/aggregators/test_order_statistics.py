"""Order statistics of weighted numbers, against sorting all copies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxfr.aggregators import order_statistics

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
some_examples = settings(max_examples=50, deadline=None)


def numbers(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, COUNT, elements=elements)


every_kth = jax.jit(jax.vmap(order_statistics.kth_smallest, in_axes=(None, None, 0)))
every_kth_by_sort = jax.jit(
    jax.vmap(order_statistics.kth_smallest_by_sort, in_axes=(None, None, 0))
)
every_sum = jax.jit(jax.vmap(order_statistics.sum_of_smallest, in_axes=(None, None, 0)))
middle_values = jax.jit(order_statistics.middle_values)
weighted_median = jax.jit(order_statistics.weighted_median)


@given(values=numbers(normal | st.sampled_from(SPECIAL)), weights=weight_lists)
@some_examples
def test_the_kth_smallest_is_that_of_all_copies_sorted(values, weights):
    expected = np.sort(np.repeat(values, weights))
    for kth in (every_kth, every_kth_by_sort):
        found = np.asarray(kth(values, weights, EVERY_K))[: len(expected)]
        np.testing.assert_array_equal(found, expected)


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
