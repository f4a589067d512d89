"""Members in blocks: how they are cut does not show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.blocks import (
    BLOCK_NUMBERS,
    fold_in_blocks,
    map_in_blocks,
    members_per_block,
)


@pytest.mark.parametrize("members", [1, 4, 5, 8])
def test_blocks_give_what_vmap_gives(members: int):
    random = np.random.default_rng(members)
    table = jnp.asarray(random.normal(size=(members, 6)), jnp.float32)
    pair = {"scale": jnp.arange(members, dtype=jnp.int32), "flag": table[:, 0] > 0}

    def one_member(row: jax.Array, other: dict) -> tuple[jax.Array, jax.Array]:
        return row * other["scale"], jnp.where(other["flag"], row.sum(), 0.0)

    def in_blocks(*arguments) -> tuple[jax.Array, jax.Array]:
        return map_in_blocks(one_member, 4, *arguments)

    found = jax.jit(in_blocks)(table, pair)
    expected = jax.vmap(one_member)(table, pair)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_block_fits_and_holds_at_least_one_member():
    assert members_per_block(BLOCK_NUMBERS // 8) == 8
    assert members_per_block(BLOCK_NUMBERS // 8 + 1) == 7
    assert members_per_block(2 * BLOCK_NUMBERS) == 1


@pytest.mark.parametrize("members", [1, 4, 5, 8, 13])
@pytest.mark.parametrize("block", [1, 4, 20])
def test_a_fold_adds_every_member_once(members: int, block: int):
    random = np.random.default_rng(members)
    table = random.integers(-99, 99, size=(members, 3))
    pair = {"number": np.arange(members), "flag": table[:, 0] > 0}

    def add(total: dict, present: jax.Array, rows: jax.Array, other: dict) -> dict:
        assert present.shape == (min(block, members),)
        assert rows.shape == (min(block, members), 3)
        number, ones = other["number"], present.astype(jnp.int32)
        return {
            "sum": total["sum"] + jnp.sum(rows * ones[:, None], axis=0),
            "flagged": total["flagged"] + jnp.sum(present & other["flag"]),
            "times": total["times"].at[number].add(ones),
        }

    def fold(total: dict, *arguments) -> dict:
        return fold_in_blocks(add, total, block, *arguments)

    start = {
        "sum": jnp.array([5, 6, 7]),
        "flagged": jnp.int32(2),
        "times": jnp.zeros(members, jnp.int32),
    }
    found = jax.jit(fold)(start, jnp.asarray(table), pair)
    np.testing.assert_array_equal(found["times"], 1)
    np.testing.assert_array_equal(found["sum"], start["sum"] + table.sum(axis=0))
    assert found["flagged"] == 2 + np.sum(table[:, 0] > 0)


@pytest.mark.parametrize(("members", "block"), [(5, 2), (9, 4), (10, 4), (7, 7)])
def test_a_fold_takes_blocks_in_order_and_fills_up_the_last_with_members_before(
    members: int, block: int
):
    def note(total: tuple, present: jax.Array, number: jax.Array) -> tuple:
        del present
        seen, place = total
        seen = jax.lax.dynamic_update_index_in_dim(seen, number, place, 0)
        return seen, place + 1

    blocks = -(-members // block)
    start = jnp.zeros((blocks, block), jnp.int32), jnp.int32(0)
    found, _ = fold_in_blocks(note, start, block, jnp.arange(members))
    expected = np.arange(blocks * block).reshape(blocks, block)
    expected[-1] = np.arange(members - block, members)
    np.testing.assert_array_equal(found, expected)
