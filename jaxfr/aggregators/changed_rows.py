"""Makes other rows of each item's rows, for stages that stand before any rule.

The new rows are numbers, all of them at once: as much memory as the room for all items'
rows takes at the embedding size. Where a run is spread over devices, each makes the
rows of its share of the items.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.by_item import WorkPerRow
from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.devices import device_index, num_devices
from jaxfr.uploads import (
    ItemGroup,
    Uploads,
    bring_together,
    for_own_rows,
    gather_vectors,
    rows_of_item,
)

ItemChange = Callable[[Array, Array], tuple[Array, Array]]
"""Of an item's rows ``[k, d]`` and int32 weights ``[k]`` it makes others, or fewer."""


def change_items(
    uploads: Uploads, change: ItemChange, work_per_row: WorkPerRow
) -> Uploads:
    """The uploads in which each item's rows are what ``change`` makes of them.

    Nobody says any more which client a row is from, and no row is in a table.

    Args:
        uploads: the rows, by item; trust is weight.
        change: of one item; rows of weight 0 hold arbitrary finite numbers.
        work_per_row: numbers that it keeps per row, as in ``map_items``.
    """
    known_to_all = uploads
    if num_devices() > 1:
        known_to_all = gather_vectors(for_own_rows(uploads))
    made = [
        _change_group(known_to_all, change, work_per_row, group)
        for group in uploads.groups
    ]
    groups, first = [], 0
    for group, (_, _, weight) in zip(uploads.groups, made, strict=True):
        groups.append(_group_of_own(group, uploads.num_items, first, *weight.shape))
        first += weight.size
    last_item = uploads.num_items - 1  # some item, where there is none
    rows = jnp.concatenate([rows.reshape(-1, rows.shape[2]) for _, rows, _ in made])
    of_items = [
        jnp.repeat(jnp.minimum(items, last_item), weight.shape[1])
        for items, _, weight in made
    ]
    return uploads._replace(
        item=jnp.concatenate(of_items),
        weight=jnp.concatenate([weight.reshape(-1) for _, _, weight in made]),
        vector=jnp.arange(first, dtype=jnp.int32),
        scale=jnp.ones(first),
        item_scale=jnp.zeros(()),
        vectors=rows,
        groups=tuple(groups),
        tables=(),
        scattered_sums=None,
        client=None,
    )


def _change_group(
    uploads: Uploads, change: ItemChange, work_per_row: WorkPerRow, group: ItemGroup
) -> tuple[Array, Array, Array]:
    """This device's share of a group's items, their rows, and the rows' weights."""
    if num_devices() > 1:
        uploads, group = bring_together(uploads, group)
    in_tables = sum(table.rows.shape[1] for table in uploads.tables)
    size = padded_size(group.rows.shape[1] + in_tables)

    def one_item(item: Array, index: Array) -> tuple[Array, Array]:
        return change(*rows_of_item(uploads, item, index, size))

    per_row = work_per_row if isinstance(work_per_row, int) else work_per_row(size)
    block = members_per_block(size * per_row)
    rows, weight = map_in_blocks(one_item, block, group.items, group.rows)
    exists = group.items < uploads.num_items
    return group.items, rows, jnp.where(exists[:, None], weight, 0)


def _group_of_own(
    group: ItemGroup, num_items: int, first: int, own: int, capacity: int
) -> ItemGroup:
    """All items of a group, of which this device has the rows of its share."""
    missing = own * num_devices() - group.items.size
    items = jnp.pad(group.items, (0, missing), constant_values=num_items)
    numbers = first + jnp.arange(own * capacity, dtype=jnp.int32)
    nothing = jnp.full((items.size, capacity), -1, jnp.int32)
    start = device_index() * own, jnp.int32(0)
    rows = jax.lax.dynamic_update_slice(nothing, numbers.reshape(own, capacity), start)
    return ItemGroup(items, rows)
