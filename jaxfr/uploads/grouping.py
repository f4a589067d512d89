"""The rows of each item side by side, on one device and between several."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.devices import (
    as_int32,
    device_index,
    exchange_over_devices,
    for_own_part,
    gather_over_devices,
    num_devices,
    own_part,
)
from jaxfr.padding import SizeGroup, group_by_size
from jaxfr.shapes import Bool, Int
from jaxfr.uploads.container import ItemGroup, Uploads


class ItemSlots(NamedTuple):
    """Room for the rows of some items.

    Attributes:
        slots: 0, 1,... up to the capacity.
    """

    items: Int[Array, " items"]
    slots: Int[Array, " capacity"]


def plan_item_slots(
    capacity: Int[np.ndarray, " m"], max_groups: int
) -> tuple[ItemSlots, ...]:
    """Plans, on the host, tables that hold up to ``capacity[j]`` rows of item j.

    Args:
        max_groups: number of tables at most.
    """

    def plan(group: SizeGroup) -> ItemSlots:
        slots = as_int32(np.arange(group.width))
        return ItemSlots(as_int32(group.members), slots)

    return tuple(map(plan, group_by_size(capacity, max_groups)))


def group_rows(
    item: Int[Array, " rows"],
    present: Bool[Array, " rows"],
    num_items: int,
    plan: tuple[ItemSlots, ...],
    row_order: Int[Array, " rows"] | None = None,
) -> tuple[tuple[ItemGroup, ...], Array]:
    """Finds each item's rows.

    Args:
        present: whether the row exists.
        plan: the tables' shapes, which cover items 0 to m - 1.
        row_order: the order in which the rows of an item are to stand, a permutation;
            by default as they are numbered.

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


# Numbers that a row is sent as, at most.
NUMBERS_PER_ROW = 4


def gather_vectors(uploads: Uploads) -> Uploads:
    """The same rows; each device gets the vectors of all, by which it names its own."""
    first = device_index() * uploads.vectors.shape[0]
    return uploads._replace(
        vector=first + uploads.vector,
        vectors=for_own_part(gather_over_devices(uploads.vectors)),
    )


def bring_together(uploads: Uploads, group: ItemGroup) -> tuple[Uploads, ItemGroup]:
    """Brings all rows of some items together, each device getting its share of them.

    Rows travel as their factors. Those of the first device stand first.

    Args:
        group: this device's rows of the items, which all devices have groups for.

    Returns:
        The rows of this device's share of the items as uploads without groups, with
        the same tables; and which rows are which item's. Items that do not exist fill
        up the shares.
    """
    missing = -group.items.size % num_devices()
    items = jnp.pad(group.items, (0, missing), constant_values=uploads.num_items)
    index = jnp.pad(group.rows, ((0, missing), (0, 0)), constant_values=-1)
    found, own = jnp.maximum(index, 0), own_part(items)

    weight = exchange_over_devices(jnp.where(index >= 0, uploads.weight[found], 0))
    vector = exchange_over_devices(uploads.vector[found // uploads.rows_per_bundle])
    item_scale = uploads.item_scale
    if item_scale.ndim > 0:
        item_scale = exchange_over_devices(item_scale[found]).reshape(-1)
    brought = uploads._replace(
        item=jnp.broadcast_to(own[:, None], weight.shape).reshape(-1),
        weight=weight.reshape(-1),
        vector=vector.reshape(-1),
        scale=exchange_over_devices(uploads.scale[found]).reshape(-1),
        item_scale=item_scale,
        groups=(),
    )
    number = jnp.arange(weight.size, dtype=jnp.int32).reshape(weight.shape)
    return brought, ItemGroup(own, jnp.where(weight > 0, number, -1))


def leave_in_place(uploads: Uploads) -> Uploads:
    """Rows as parts of a whole: of what all devices have, only the first keeps it."""
    is_first = device_index() == 0
    tables = tuple(
        table._replace(weight=jnp.where(is_first, table.weight, 0))
        for table in uploads.tables
    )
    return uploads._replace(tables=tables)
