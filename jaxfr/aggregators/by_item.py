"""Runs the rule of one item over all items, in blocks that fit the cache.

Where a run is spread over devices, an item's rows lie where their clients are. Two ways
lead to its aggregate. Rows are brought to one device, each device getting its share of
the items: this suits every rule. Or rows stay where they are, and a rule that only
counts and sums joins its counts (see ``order_statistics``): what is sent then does not
depend on the number of rows, so this is for items with many, on devices that a network
lies between. Within a process a copy costs less than waiting for each other.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ItemRule
from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.blocks import fold_in_blocks, map_in_blocks, members_per_block
from jaxfr.devices import IN_ONE_PART, OVER_DEVICES, num_devices, sum_over_devices
from jaxfr.shapes import Float
from jaxfr.uploads import (
    ItemGroup,
    Uploads,
    bring_together,
    for_own_rows,
    gather_vectors,
    leave_in_place,
    rows_of_item,
)
from jaxfr.uploads.grouping import NUMBERS_PER_ROW

# A search for a k-th smallest number joins so many counts of each coordinate on a CPU,
# each of which is sent and comes back. (On a GPU 120, in a quarter of the messages.)
COUNTS_PER_SEARCH = 2 * 32

# Numbers that rows are sent as in one exchange, of all devices together: it bounds the
# memory.
EXCHANGED_NUMBERS = 2**25

# So many blocks are counted at a time: a message costs its time, too, so the counts of
# one step are joined for more rows than fit the cache.
COUNTED_BLOCKS = 32


WorkPerRow = int | Callable[[int], int]
"""Numbers that a rule keeps per row of an item; a function of how many rows it has."""


def map_items(
    uploads: Uploads,
    rule: ItemRule,
    work_per_row: WorkPerRow,
    searches: int | None = None,
) -> Float[Array, "m d"]:
    """Applies ``rule`` to each item's rows.

    Args:
        rule: aggregates one item; rows of weight 0 hold arbitrary finite numbers.
        work_per_row: blocks shrink in proportion; the embedding size for most rules.
        searches: how many k-th smallest numbers the rule looks for, each by counting;
            None for a rule that needs all of an item's rows in one place.
    """
    total = jnp.zeros_like(uploads.item_embeddings)
    if num_devices() == 1:
        for group in uploads.groups:
            total = _map_group(uploads, rule, work_per_row, group, total)
        return total
    few = _few(searches, total.shape[1])
    uploads = for_own_rows(uploads)
    known_to_all = gather_vectors(uploads)
    for group in uploads.groups:
        if group.rows.shape[1] <= few:
            total = _bring_and_map(known_to_all, rule, work_per_row, group, total)
    total = sum_over_devices(total)
    in_place = leave_in_place(uploads)
    for group in uploads.groups:
        if group.rows.shape[1] > few:
            total = _map_group(
                in_place, rule, work_per_row, group, total, in_parts=True
            )
    return total


def network_between_devices() -> bool:
    """Whether what devices send each other may leave the process."""
    return jax.process_count() > 1


def _few(searches: int | None, dim: int) -> float:
    """Up to how many rows on a device are less to send than the counts of a search."""
    if searches is None or not network_between_devices():
        return float("inf")
    return searches * COUNTS_PER_SEARCH * dim / NUMBERS_PER_ROW


def _bring_and_map(
    uploads: Uploads,
    rule: ItemRule,
    work_per_row: WorkPerRow,
    group: ItemGroup,
    total: Array,
) -> Array:
    """Sets the rows of this device's share of a group's items in ``total``."""

    def add(total: Array, present: Array, items: Array, rows: Array) -> Array:
        # One that comes twice would be set on two devices, and summed.
        items = jnp.where(present, items, uploads.num_items)
        brought, own = bring_together(uploads, ItemGroup(items, rows))
        return _map_group(brought, rule, work_per_row, own, total)

    devices = num_devices()
    sent = devices * group.rows.shape[1] * NUMBERS_PER_ROW
    block = devices * max(1, EXCHANGED_NUMBERS // (devices * sent))
    return fold_in_blocks(add, total, block, *group)


def _map_group(
    uploads: Uploads,
    rule: ItemRule,
    work_per_row: WorkPerRow,
    group: ItemGroup,
    total: Array,
    in_parts: bool = False,
) -> Array:
    """Sets the rows of a group's items in ``total``, ``[m, d]``."""
    in_tables = sum(table.rows.shape[1] for table in uploads.tables)
    size = padded_size(group.rows.shape[1] + in_tables)

    def one_item(item: Array, index: Array) -> Array:
        rows, weight = rows_of_item(uploads, item, index, size)
        return rule(rows, weight, OVER_DEVICES if in_parts else IN_ONE_PART)

    per_row = work_per_row if isinstance(work_per_row, int) else work_per_row(size)
    block = members_per_block(size * per_row)
    if in_parts:
        block *= COUNTED_BLOCKS
    combined = map_in_blocks(one_item, block, group.items, group.rows)
    return total.at[group.items].set(combined, mode="drop")
