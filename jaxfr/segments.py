"""Sums by index: rows of embeddings, and plain numbers."""

import math

import jax.numpy as jnp
from jax import Array

# XLA's CPU compiler makes vector instructions of the addition of so many numbers, and a
# scalar loop of that of a whole row.
LANES = 8


def add_rows(total: Array, index: Array, rows: Array) -> Array:
    """Adds each row to the row of ``total`` that its index names.

    The same as ``total.at[index].add(rows)``, in a third of the time on a CPU where the
    row length is a multiple of 8.

    Args:
        total: ``[m, d]``.
        index: within 0 .. m - 1, int32, any shape.
        rows: ``[*index.shape, d]``.
    """
    dim = total.shape[1]
    lanes = math.gcd(dim, LANES)
    split = dim // lanes, lanes
    parts = total.reshape(-1, *split).at[index]
    added = parts.add(rows.reshape(*index.shape, *split), mode="promise_in_bounds")
    return added.reshape(total.shape)


def sum_by_index(values: Array, index: Array, size: int) -> Array:
    """The sum of the values of each index, ``[size]``.

    Args:
        values: any shape.
        index: within 0 .. size - 1, int32, of the same shape.
        size: number of sums.
    """
    zeros = jnp.zeros(size, values.dtype)
    return zeros.at[index.reshape(-1)].add(values.reshape(-1), mode="promise_in_bounds")
