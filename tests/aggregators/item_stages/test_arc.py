"""Adaptive robust clipping: how many rows are shortened, and to what."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators.item_stages.arc import clipped_rows

LENGTHS = np.arange(1.0, 11.0)


def lengths_after(byzantine: int, lengths=LENGTHS, unit: int = 1) -> np.ndarray:
    rows = jnp.float32(np.stack([lengths, 0 * lengths], axis=1))
    weight = jnp.full(len(lengths), unit, jnp.int32)
    found = clipped_rows(rows, weight, jnp.int32(byzantine), unit)
    return np.asarray(found[:, 0])


@pytest.mark.parametrize("unit", [1, 1024])
@pytest.mark.parametrize(
    ("byzantine", "longer"), [(0, 0), (1, 1), (2, 3), (3, 4), (5, 5), (9, 5), (99, 5)]
)
def test_the_longest_are_as_long_as_the_next(byzantine, longer, unit):
    found = lengths_after(byzantine, unit=unit)
    expected = np.minimum(LENGTHS, 10 - longer)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_where_half_of_the_rows_have_no_length_none_has():
    np.testing.assert_array_equal(lengths_after(2, np.array([0.0, 0, 0, 7])), 0)


@pytest.mark.parametrize("size", [1e10, 3e37])
def test_rows_of_any_length_are_shortened(size):
    found = lengths_after(1, np.array([1.0, 2.0, size]))
    np.testing.assert_allclose(found, [1, 2, 2], rtol=1e-6)
