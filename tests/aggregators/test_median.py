"""The coordinate-wise median."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxfr.aggregators.median import median_of_item

from .oracles import MEDIAN, aggregated
from .samples import DIM, rows_of_one_item

of_item = jax.jit(median_of_item)
COUNT = 9

# Halves of smaller numbers are no float32 of full precision.
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False).filter(
    lambda value: value == 0 or abs(value) > 1e-30
)


@given(
    rows=hnp.arrays(np.float32, (COUNT, DIM), elements=numbers),
    weight=hnp.arrays(np.int32, COUNT, elements=st.integers(0, 3)).filter(np.any),
)
@settings(max_examples=50)
def test_the_median_lies_within_the_range_of_the_rows(rows, weight):
    found = np.asarray(of_item(rows, weight))
    assert np.all(rows[weight > 0].min(axis=0) <= found)
    assert np.all(found <= rows[weight > 0].max(axis=0))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], 5), ([5, 1], 3), ([5, 1, 2], 2), ([5, 1, 2, 4], 3), ([1, 1, 9, 9], 5)],
)
def test_an_even_count_has_the_mean_of_its_two_middle_values(values, expected):
    rows = np.repeat(np.array(values, float)[:, None], DIM, axis=1)
    found = aggregated(MEDIAN, rows_of_one_item(rows), 0)
    np.testing.assert_array_equal(found[0], expected)


def test_each_coordinate_has_its_own_median():
    rows = [[1, 8, 3], [2, 7, 9], [3, 9, 6]]
    found = aggregated(MEDIAN, rows_of_one_item(rows), 0)
    np.testing.assert_array_equal(found[0], [2, 8, 6])


def test_fewer_than_half_of_the_weight_cannot_move_the_median_out_of_the_rest():
    rows = np.random.default_rng(0).normal(size=(7, DIM)).astype(np.float32)
    rows[6] = 1e9
    found = aggregated(MEDIAN, rows_of_one_item(rows, [1] * 6 + [5]), 0)
    assert np.all(found[0] <= rows[:6].max(axis=0))
    fallen = aggregated(MEDIAN, rows_of_one_item(rows, [1] * 6 + [7]), 0)
    np.testing.assert_array_equal(fallen[0], rows[6])
