"""Work on many rows at a time: in blocks that fit the cache, and sums by index."""

import math
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.platforms import on_cpu

T = TypeVar("T")
Total = TypeVar("Total")

# Numbers in a block: half a megabyte, so that a CPU's core keeps the few arrays of a
# block in its cache (see BUILD_NOTES). A GPU needs much work at once, and has no cache
# to speak of: a block there only bounds the memory.
BLOCK_NUMBERS = 2**17
GPU_BLOCK_NUMBERS = 2**26


def members_per_block(numbers_per_member: int) -> int:
    """How many members of so many numbers each make a block, at least 1."""
    numbers = BLOCK_NUMBERS if on_cpu() else GPU_BLOCK_NUMBERS
    return max(1, numbers // numbers_per_member)


def map_in_blocks(function: Callable[..., T], block: int, *arguments: object) -> T:
    """``vmap(function)(*arguments)``, for ``block`` members at a time.

    The blocks follow one another, so what the function makes on the way exists for
    one block only. Results are the same as those of ``vmap``.

    Args:
        block: members in a block, at least 1.
        *arguments: pytrees of arrays with one leading axis, not empty.
    """
    batched = jax.vmap(function)
    size = jax.tree.leaves(arguments)[0].shape[0]
    if size <= block:
        return batched(*arguments)
    if block == 1:
        return jax.lax.map(lambda members: function(*members), arguments)
    blocks = -(-size // block)
    # The last block ends with the last member and repeats some of the one before:
    # nothing is padded, so no argument is copied.
    starts = jnp.minimum(jnp.arange(blocks) * block, size - block)

    def one_block(start: jax.Array) -> T:
        return batched(*_block_from(start, block, arguments))

    def join(leaf: jax.Array) -> jax.Array:
        repeated = blocks * block - size
        before = leaf[:-1].reshape((blocks - 1) * block, *leaf.shape[2:])
        return jnp.concatenate([before, leaf[-1, repeated:]])

    return jax.tree.map(join, jax.lax.map(one_block, starts))


def fold_in_blocks(
    add: Callable[..., Total], total: Total, block: int, *arguments: object
) -> Total:
    """Adds members to a total, ``block`` of them at a time.

    Args:
        add: takes the total, which members of the block are to be added (bool
            ``[block]``), and the block of each argument, and returns the new total.
        block: members in a block, at least 1.
    """
    size = jax.tree.leaves(arguments)[0].shape[0]
    if size <= block:
        return add(total, jnp.ones(size, bool), *arguments)
    blocks = -(-size // block)

    def one_block(total: Total, number: jax.Array) -> tuple[Total, None]:
        # The last block overlaps the one before, as in map_in_blocks.
        start = jnp.minimum(number * block, size - block)
        present = start + jnp.arange(block) >= number * block
        return add(total, present, *_block_from(start, block, arguments)), None

    return jax.lax.scan(one_block, total, jnp.arange(blocks))[0]


def _block_from(start: jax.Array, block: int, arguments: T) -> T:
    return jax.tree.map(
        lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, start, block), arguments
    )


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
        index: within 0 .. size - 1, int32, of the same shape.
    """
    zeros = jnp.zeros(size, values.dtype)
    return zeros.at[index.reshape(-1)].add(values.reshape(-1), mode="promise_in_bounds")
