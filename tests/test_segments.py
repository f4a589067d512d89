"""Sums by index, against adding one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.blocks import add_rows, sum_by_index

SIZE = 7
DIMS = [1, 8, 12]
SHAPES = [(20,), (2, 3, 4), (3, 0)]
every_dim = pytest.mark.parametrize("dim", DIMS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
add = jax.jit(add_rows)
sum_of = jax.jit(sum_by_index, static_argnums=2)


def quarters(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Multiples of 1/4, whose sums float32 holds exactly."""
    return (random.integers(-400, 400, size=shape) / 4).astype(np.float32)


def loop_add(total: np.ndarray, index: np.ndarray, rows: np.ndarray) -> np.ndarray:
    added = total.copy()
    for place in np.ndindex(index.shape):
        added[index[place]] += rows[place]
    return added


@every_shape
@every_dim
def test_each_row_is_added_to_the_one_that_its_index_names(dim, shape):
    random = np.random.default_rng(dim)
    total, rows = quarters(random, SIZE, dim), quarters(random, *shape, dim)
    index = random.integers(SIZE, size=shape).astype(np.int32)
    found = add(total, index, rows)
    assert found.shape == (SIZE, dim)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, loop_add(total, index, rows))


@every_dim
def test_rows_of_one_index_add_up_and_leave_all_others_bit_for_bit(dim):
    random = np.random.default_rng(dim)
    total = random.normal(size=(SIZE, dim)).astype(np.float32)
    rows = quarters(random, 50, dim)
    found = np.asarray(add(jnp.asarray(total).at[3].set(0), np.full(50, 3), rows))
    np.testing.assert_array_equal(found[3], rows.sum(axis=0))
    others = np.arange(SIZE) != 3
    np.testing.assert_array_equal(found[others], total[others])


@every_dim
def test_rows_of_several_runs_at_once_are_added_to_those_of_each(dim):
    random = np.random.default_rng(dim)
    total, rows = quarters(random, 3, SIZE, dim), quarters(random, 3, 4, 5, dim)
    index = random.integers(SIZE, size=(3, 4, 5)).astype(np.int32)
    found = jax.jit(jax.vmap(add_rows))(total, index, rows)
    for run in range(3):
        expected = loop_add(total[run], index[run], rows[run])
        np.testing.assert_array_equal(found[run], expected)
    # One table for all runs.
    shared = jax.jit(jax.vmap(add_rows, in_axes=(None, 0, 0)))(total[0], index, rows)
    for run in range(3):
        expected = loop_add(total[0], index[run], rows[run])
        np.testing.assert_array_equal(shared[run], expected)


@every_shape
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_the_sum_of_an_index_is_that_of_its_values(dtype, shape):
    random = np.random.default_rng(0)
    values = quarters(random, *shape).astype(dtype)
    index = random.integers(SIZE, size=shape).astype(np.int32)
    found = sum_of(values, index, SIZE)
    assert found.dtype == dtype
    expected = np.bincount(index.reshape(-1), values.reshape(-1), SIZE)
    np.testing.assert_array_equal(found, expected)
