"""The rows of an item where a run is spread over devices, each with its own clients."""

import jax.numpy as jnp

from jaxfr.devices import (
    device_index,
    exchange_over_devices,
    for_own_part,
    gather_over_devices,
    num_devices,
    own_part,
)
from jaxfr.uploads.container import ItemGroup, Uploads

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
        uploads: from :func:`gather_vectors`.
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
