"""Runs the rule of one item over all items, in blocks that fit the cache."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ItemRule
from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.devices import own_part, sum_over_devices
from jaxfr.uploads import ItemGroup, Uploads, gather_rows, rows_of_item


def map_items(uploads: Uploads, rule: ItemRule, work_per_row: int) -> Array:
    """Applies ``rule`` to each item's rows.

    Args:
        uploads: uploads with groups.
        rule: aggregates one item; rows of weight 0 hold arbitrary finite numbers.
        work_per_row: numbers that the rule keeps per row of an item; blocks shrink
            in proportion. Pass the embedding size, or 0 for a rule that compares all
            pairs of rows (their number is used instead).

    Returns:
        float32 ``[m, d]``.
    """
    dim = uploads.item_embeddings.shape[1]
    in_tables = sum(table.rows.shape[1] for table in uploads.tables)

    result = jnp.zeros_like(uploads.item_embeddings)
    gathered = gather_rows(uploads)
    for whole_group in uploads.groups:
        group = ItemGroup(*map(own_part, whole_group))
        size = padded_size(group.rows.shape[1] + in_tables)

        def one_item(item: Array, index: Array, size: int = size) -> Array:
            return rule(*rows_of_item(gathered, item, index, size))

        block = members_per_block(size * (work_per_row or max(size, dim)))
        combined = map_in_blocks(one_item, block, group.items, group.rows)
        result = result.at[group.items].set(combined, mode="drop")
    return sum_over_devices(result)
