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
group = jax.jit(group_rows, static_argnames="num_items")

items_of_rows = hnp.arrays(np.int32, NUM_ROWS, elements=st.integers(0, NUM_ITEMS - 1))
presence = hnp.arrays(np.bool_, NUM_ROWS)
# Room for 20, 12, 6, 6 and 0 rows; a table is at least one row wide.
CAPACITY = np.array([6, 20, 0, 12, 6])


def filled_up(plan: tuple[ItemSlots, ...], missing: int) -> tuple[ItemSlots, ...]:
    """With items that do not exist behind those of each table."""
    return tuple(
        slots._replace(
            items=jnp.pad(slots.items, (0, missing), constant_values=NUM_ITEMS)
        )
        for slots in plan
    )


# By number of tables, and of items that do not exist in each.
PLANS = {
    (number, missing): filled_up(plan_item_slots(CAPACITY, number), missing)
    for number, missing in [(1, 0), (2, 0), (4, 0), (1, 1), (2, 2), (4, 3)]
}


def rows_by_item(groups: tuple[ItemGroup, ...]) -> dict[int, list[int]]:
    """Each item's rows, padding left out; padding has to stand behind."""
    found = {}
    for items, rows in groups:
        for item, slots in zip(np.asarray(items), np.asarray(rows), strict=True):
            count = np.sum(slots >= 0)
            assert np.all(slots[count:] == -1)
            if item == NUM_ITEMS:
                assert count == 0
                continue
            assert item not in found
            found[int(item)] = slots[:count].tolist()
    return found


def loop_rows_by_item(item: np.ndarray, present: np.ndarray) -> dict[int, list[int]]:
    found = {number: [] for number in range(NUM_ITEMS)}
    for row in range(NUM_ROWS):
        if present[row]:
            found[int(item[row])].append(row)
    return found


def widths(plan: tuple[ItemSlots, ...]) -> np.ndarray:
    width = np.empty(NUM_ITEMS + 1, int)
    for items, slots in plan:
        width[np.asarray(items)] = slots.size
    return width[:NUM_ITEMS]


# --- Plans ---


@pytest.mark.parametrize("max_groups", [1, 2, 3, 6, 20])
@given(capacity=hnp.arrays(np.int64, 12, elements=st.integers(0, 30)))
@settings(max_examples=20)
def test_a_plan_has_room_for_every_item_once(max_groups, capacity):
    plan = plan_item_slots(capacity, max_groups)
    assert len(plan) <= max_groups
    planned = np.concatenate([slots.items for slots in plan])
    np.testing.assert_array_equal(np.sort(planned), np.arange(12))
    for items, slots in plan:
        np.testing.assert_array_equal(slots, np.arange(slots.size))
        assert capacity[np.asarray(items)].max() <= slots.size


# --- Rows ---


@pytest.mark.parametrize("plan", PLANS.values(), ids=map(str, PLANS))
@given(item=items_of_rows, present=presence)
@settings(max_examples=40)
def test_rows_beyond_the_capacity_are_left_out_and_counted(plan, item, present):
    groups, overflow = group(item, present, NUM_ITEMS, plan)
    expected = loop_rows_by_item(item, present)
    room = widths(plan)
    assert rows_by_item(groups) == {
        number: rows[: room[number]] for number, rows in expected.items()
    }
    assert overflow == sum(
        max(len(rows) - room[number], 0) for number, rows in expected.items()
    )
