"""Rows side by side, item by item, in tables of fixed shape.

How many rows an item can receive follows from the data alone, so the shapes are
planned once on the host and are the same for every seed; which rows they are is
found on the device.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.padding import group_by_size
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
    return tuple(
        ItemSlots(
            jnp.asarray(group.members, jnp.int32),
            jnp.arange(group.width, dtype=jnp.int32),
        )
        for group in group_by_size(capacity, max_groups)
    )


def group_rows(
    item: Array, present: Array, row_order: Array, plan: tuple[ItemSlots, ...]
) -> tuple[tuple[ItemGroup, ...], Array]:
    """Finds each item's rows.

    Args:
        item: item of each row, int32 ``[rows]``.
        present: whether the row exists, bool ``[rows]``.
        row_order: the order in which the rows of an item are to stand, a
            permutation, int32 ``[rows]``.
        plan: the tables' shapes, which cover items 0 to m - 1.

    Returns:
        The groups, and the number of rows that found no room (int32 scalar), which
        is 0 wherever the plan's capacities hold.
    """
    num_items = sum(group.items.size for group in plan)
    key = jnp.where(present, item, num_items)[row_order]
    order = row_order[jnp.argsort(key, stable=True)]
    count = jnp.bincount(key, length=num_items)
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
