"""Rows by item in tables of fixed shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxfr.uploads import ItemGroup, ItemSlots, group_rows, plan_item_slots

NUM_ITEMS, NUM_ROWS = 5, 20
group = jax.jit(group_rows)

items_of_rows = hnp.arrays(np.int32, NUM_ROWS, elements=st.integers(0, NUM_ITEMS - 1))
presence = hnp.arrays(np.bool_, NUM_ROWS)
row_orders = st.permutations(range(NUM_ROWS)).map(np.array)
# Room for 20, 12, 6, 6 and 0 rows; a table is at least one row wide.
CAPACITY = np.array([6, 20, 0, 12, 6])
PLANS = {number: plan_item_slots(CAPACITY, number) for number in (1, 2, 4)}


def rows_by_item(groups: tuple[ItemGroup, ...]) -> dict[int, list[int]]:
    """Each item's rows, padding left out; padding has to stand behind."""
    found = {}
    for items, rows in groups:
        for item, slots in zip(np.asarray(items), np.asarray(rows), strict=True):
            count = np.sum(slots >= 0)
            assert np.all(slots[count:] == -1)
            assert item not in found
            found[int(item)] = slots[:count].tolist()
    return found


def loop_rows_by_item(
    item: np.ndarray, present: np.ndarray, row_order: np.ndarray
) -> dict[int, list[int]]:
    found = {number: [] for number in range(NUM_ITEMS)}
    for row in row_order:
        if present[row]:
            found[int(item[row])].append(int(row))
    return found


def widths(plan: tuple[ItemSlots, ...]) -> np.ndarray:
    width = np.empty(NUM_ITEMS, int)
    for items, slots in plan:
        width[np.asarray(items)] = slots.size
    return width


@pytest.mark.parametrize("max_groups", [1, 2, 3, 6, 20])
@given(capacity=hnp.arrays(np.int64, 12, elements=st.integers(0, 30)))
@settings(max_examples=20, deadline=None)
def test_a_plan_has_room_for_every_item_once(max_groups, capacity):
    plan = plan_item_slots(capacity, max_groups)
    assert len(plan) <= max_groups
    planned = np.concatenate([slots.items for slots in plan])
    np.testing.assert_array_equal(np.sort(planned), np.arange(12))
    for items, slots in plan:
        np.testing.assert_array_equal(slots, np.arange(slots.size))
        assert capacity[np.asarray(items)].max() <= slots.size


@given(item=items_of_rows, present=presence, row_order=row_orders)
@settings(max_examples=40, deadline=None)
def test_an_item_is_given_exactly_its_rows_in_row_order(item, present, row_order):
    plan = plan_item_slots(np.full(NUM_ITEMS, NUM_ROWS), 1)
    groups, overflow = group(item, present, row_order, plan)
    assert rows_by_item(groups) == loop_rows_by_item(item, present, row_order)
    assert overflow == 0


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@given(item=items_of_rows, present=presence, row_order=row_orders)
@settings(max_examples=40, deadline=None)
def test_rows_beyond_the_capacity_are_left_out_and_counted(
    plan, item, present, row_order
):
    groups, overflow = group(item, present, row_order, plan)
    expected = loop_rows_by_item(item, present, row_order)
    room = widths(plan)
    assert rows_by_item(groups) == {
        number: rows[: room[number]] for number, rows in expected.items()
    }
    assert overflow == sum(
        max(len(rows) - room[number], 0) for number, rows in expected.items()
    )


def test_where_no_row_is_present_all_tables_are_empty():
    plan, in_order = PLANS[2], jnp.arange(NUM_ROWS)
    nobody = jnp.zeros(NUM_ROWS, bool)
    groups, overflow = group(jnp.zeros(NUM_ROWS, jnp.int32), nobody, in_order, plan)
    assert all(np.all(table.rows == -1) for table in groups)
    assert overflow == 0


def test_grouping_is_the_same_for_several_runs_at_once():
    generator = np.random.default_rng(0)
    item = generator.integers(NUM_ITEMS, size=(3, NUM_ROWS))
    present = generator.random((3, NUM_ROWS)) < 0.8
    row_order = generator.permuted(np.tile(np.arange(NUM_ROWS), (3, 1)), axis=1)
    together = jax.jit(jax.vmap(group_rows, in_axes=(0, 0, 0, None)))
    groups, overflow = together(item, present, row_order, PLANS[4])
    for index in range(3):
        alone = group(item[index], present[index], row_order[index], PLANS[4])
        for found, expected in zip(groups, alone[0], strict=True):
            np.testing.assert_array_equal(found.rows[index], expected.rows)
        assert overflow[index] == alone[1]
