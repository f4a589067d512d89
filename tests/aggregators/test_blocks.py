"""Items in blocks: how they are cut does not show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks as sizes
from jaxfr.aggregators import blocks
from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.devices import AXIS
from jaxfr.uploads import Uploads, item_sums, plan_item_slots

from .samples import DIM, every_kind, factored_uploads, grouped

COUNTS = np.array([7, 0, 3, 3, 12, 1, 5])


def weighted_sum(rows: jax.Array, weight: jax.Array) -> jax.Array:
    return jnp.sum(rows * weight[:, None], axis=0)


def sums(uploads: Uploads, work_per_row: int) -> jax.Array:
    return blocks.map_items(uploads, weighted_sum, work_per_row)


@every_kind
@pytest.mark.parametrize("max_groups", [1, 3])
@pytest.mark.parametrize("work_per_row", [DIM, 0])
@pytest.mark.parametrize("block_numbers", [1, 100])
def test_every_item_is_given_its_own_rows(
    monkeypatch, kind, max_groups, work_per_row, block_numbers
):
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", block_numbers)
    uploads = factored_uploads(COUNTS.tolist(), seed=0, max_weight=3, kind=kind)
    uploads = grouped(uploads, plan_item_slots(COUNTS + 1, max_groups))
    found = sums(uploads, work_per_row)
    np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found[1], 0)


@every_kind
def test_items_that_do_not_exist_change_nothing(kind):
    uploads = factored_uploads(COUNTS.tolist(), seed=1, max_weight=3, kind=kind)
    plan = plan_item_slots(COUNTS + 1, 2, devices=5)
    assert any(np.any(slots.items == len(COUNTS)) for slots in plan)
    found = sums(grouped(uploads, plan), DIM)
    np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)


@every_kind
def test_a_rule_is_given_as_many_rows_as_are_reduced_fast(kind):
    def count_rows(rows: jax.Array, weight: jax.Array) -> jax.Array:
        assert rows.shape == (*weight.shape, DIM)
        return jnp.full(DIM, float(weight.size))

    uploads = factored_uploads(COUNTS.tolist(), seed=2, kind=kind)
    for capacity in (20, 24, 254, 260):
        plan = plan_item_slots(np.full(len(COUNTS), capacity), 1)
        found = blocks.map_items(grouped(uploads, plan), count_rows, DIM)
        size = padded_size(capacity + sum(kind.tables))
        np.testing.assert_array_equal(found, size)


@every_kind
@pytest.mark.parametrize("devices", [2, 3])
def test_items_that_are_spread_over_devices_are_given_the_rows_of_all(kind, devices):
    uploads = factored_uploads(COUNTS.tolist(), seed=3, max_weight=3, kind=kind)
    # As many bundles as the devices divide; those that are added hold no row.
    missing = -uploads.vector.size % devices
    uploads = uploads._replace(
        **{
            name: jnp.pad(getattr(uploads, name), (0, missing * kind.width))
            for name in ("item", "weight", "scale")
        },
        vector=jnp.pad(uploads.vector, (0, missing)),
        item_scale=uploads.item_scale
        if kind.one_item_scale
        else jnp.pad(uploads.item_scale, (0, missing)),
    )
    uploads = grouped(uploads, plan_item_slots(COUNTS + 1, 2, devices))

    def on_one(device: jax.Array) -> jax.Array:
        def own(field: jax.Array) -> jax.Array:
            return field if field.ndim == 0 else field.reshape(devices, -1)[device]

        names = "item", "weight", "vector", "scale", "item_scale"
        part = {name: own(getattr(uploads, name)) for name in names}
        return sums(uploads._replace(**part), DIM)

    found = jax.jit(jax.vmap(on_one, axis_name=AXIS))(jnp.arange(devices))
    for rows in found:
        np.testing.assert_allclose(rows, item_sums(uploads), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("work_per_row", "loops"), [(DIM, []), (30, [4]), (1000, [7]), (0, [3])]
)
def test_blocks_shrink_as_the_work_per_item_grows(monkeypatch, work_per_row, loops):
    # Room for 20 rows is padded to 24.
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", 3 * 24**2)
    uploads = factored_uploads(COUNTS.tolist(), seed=0)
    uploads = grouped(uploads, plan_item_slots(np.full(len(COUNTS), 20), 1))
    steps = jax.make_jaxpr(sums, static_argnums=1)(uploads, work_per_row).eqns
    found = [step.params["length"] for step in steps if step.primitive.name == "scan"]
    assert found == loops
