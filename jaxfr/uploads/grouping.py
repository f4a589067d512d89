"""Rows side by side, item by item, in tables of fixed shape.

How many rows an item can receive follows from the data alone, so the shapes are
planned once on the host and are the same for every seed; which rows they are is
found on the device.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.padding import SizeGroup, group_by_size
from jaxfr.uploads.container import ItemGroup


class ItemSlots(NamedTuple):
    """Room for the rows of some items.

    Attributes:
        items: the items, int32 ``[items]``.
        slots: 0, 1, ... up to the capacity, int32 ``[capacity]``.
    """

    items: Array
    slots: Array


def plan_item_slots(capacity: np.ndarray, max_groups: int) -> tuple[ItemSlots, ...]:
    """Plans, on the host, tables that hold up to ``capacity[j]`` rows of item j.

    Args:
        capacity: rows that an item may receive, int64 ``[m]``.
        max_groups: number of tables at most.
    """

    def plan(group: SizeGroup) -> ItemSlots:
        slots = jnp.arange(group.width, dtype=jnp.int32)
        return ItemSlots(jnp.asarray(group.members, jnp.int32), slots)

    return tuple(map(plan, group_by_size(capacity, max_groups)))


def group_rows(
    item: Array,
    present: Array,
    num_items: int,
    plan: tuple[ItemSlots, ...],
    row_order: Array | None = None,
) -> tuple[tuple[ItemGroup, ...], Array]:
    """Finds each item's rows.

    Args:
        item: item of each row, int32 ``[rows]``.
        present: whether the row exists, bool ``[rows]``.
        num_items: number of items m.
        plan: the tables' shapes, which cover items 0 to m - 1.
        row_order: the order in which the rows of an item are to stand, a permutation,
            int32 ``[rows]``; by default as they are numbered.

    Returns:
        The groups, and the number of rows that found no room (int32 scalar), which
        is 0 wherever the plan's capacities hold.
    """
    key = jnp.where(present, item, num_items)
    if row_order is None:
        order = jnp.argsort(key, stable=True)
    else:
        order = row_order[jnp.argsort(key[row_order], stable=True)]
    # Of the item m, which stands for none, no row is counted.
    count = jnp.append(jnp.bincount(key, length=num_items), 0)
    start = jnp.cumsum(count) - count

    def fill(group: ItemSlots) -> ItemGroup:
        position = start[group.items][:, None] + group.slots
        taken = group.slots < count[group.items][:, None]
        rows = order[jnp.minimum(position, order.size - 1)]
        return ItemGroup(group.items, jnp.where(taken, rows, -1).astype(jnp.int32))

    overflow = sum(
        jnp.sum(jnp.maximum(count[group.items] - group.slots.size, 0)) for group in plan
    )
    return tuple(fill(group) for group in plan), jnp.asarray(overflow, jnp.int32)
