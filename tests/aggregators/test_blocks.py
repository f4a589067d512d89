"""Items in blocks: how they are cut does not show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks as sizes
from jaxfr.aggregators import blocks
from jaxfr.uploads import Uploads, item_sums, plan_item_slots

from .samples import DIM, factored_uploads, grouped

COUNTS = np.array([7, 0, 3, 3, 12, 1, 5])


def weighted_sum(rows: jax.Array, weight: jax.Array) -> jax.Array:
    return jnp.sum(rows * weight[:, None], axis=0)


def sums(uploads: Uploads, work_per_row: int) -> jax.Array:
    return blocks.map_items(uploads, weighted_sum, work_per_row)


@pytest.mark.parametrize("max_groups", [1, 3])
@pytest.mark.parametrize("work_per_row", [DIM, 0])
@pytest.mark.parametrize("block_numbers", [1, 100])
def test_every_item_is_given_its_own_rows(
    monkeypatch, max_groups, work_per_row, block_numbers
):
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", block_numbers)
    uploads = factored_uploads(COUNTS.tolist(), seed=0, max_weight=3)
    uploads = grouped(uploads, plan_item_slots(COUNTS + 1, max_groups))
    found = sums(uploads, work_per_row)
    np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found[1], 0)


@pytest.mark.parametrize(
    ("work_per_row", "loops"), [(DIM, []), (30, [4]), (1000, [7]), (0, [3])]
)
def test_blocks_shrink_as_the_work_per_item_grows(monkeypatch, work_per_row, loops):
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", 1200)
    uploads = factored_uploads(COUNTS.tolist(), seed=0)
    uploads = grouped(uploads, plan_item_slots(np.full(len(COUNTS), 20), 1))
    steps = jax.make_jaxpr(sums, static_argnums=1)(uploads, work_per_row).eqns
    found = [step.params["length"] for step in steps if step.primitive.name == "scan"]
    assert found == loops
