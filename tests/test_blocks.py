import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.blocks import BLOCK_NUMBERS, map_in_blocks, members_per_block


@pytest.mark.parametrize("members", [1, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("jit", [False, True])
def test_blocks_give_what_vmap_gives(members: int, jit: bool):
    random = np.random.default_rng(members)
    table = jnp.asarray(random.normal(size=(members, 6)), jnp.float32)
    pair = {"scale": jnp.arange(members, dtype=jnp.int32), "flag": table[:, 0] > 0}

    def one_member(row: jax.Array, other: dict) -> tuple[jax.Array, jax.Array]:
        return row * other["scale"], jnp.where(other["flag"], row.sum(), 0.0)

    def in_blocks(*arguments) -> tuple[jax.Array, jax.Array]:
        return map_in_blocks(one_member, 4, *arguments)

    found = (jax.jit(in_blocks) if jit else in_blocks)(table, pair)
    expected = jax.vmap(one_member)(table, pair)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_block_fits_and_holds_at_least_one_member():
    assert members_per_block(BLOCK_NUMBERS // 8) == 8
    assert members_per_block(BLOCK_NUMBERS // 8 + 1) == 7
    assert members_per_block(2 * BLOCK_NUMBERS) == 1
