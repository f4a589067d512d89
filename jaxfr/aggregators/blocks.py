"""Runs the rule of one item over all items, in blocks that fit the cache."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ItemRule
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.uploads import Uploads, rows_of


def map_items(uploads: Uploads, rule: ItemRule, work_per_row: int) -> Array:
    """Applies ``rule`` to each item's rows.

    Args:
        uploads: uploads with groups.
        rule: aggregates one item; rows of weight 0 hold arbitrary finite numbers.
        work_per_row: numbers that the rule keeps per row of an item of capacity
            one; blocks shrink in proportion. Pass the embedding size, or 0 for a
            rule that compares all pairs of rows (capacity is used instead).

    Returns:
        float32 ``[m, d]``.
    """

    def one_item(index: Array) -> Array:
        found = jnp.maximum(index, 0)
        weight = jnp.where(index >= 0, uploads.weight[found], 0)
        return rule(rows_of(uploads, found), weight)

    result = jnp.zeros_like(uploads.item_embeddings)
    for group in uploads.groups:
        capacity = group.rows.shape[1]
        per_item = capacity * (work_per_row or max(capacity, result.shape[1]))
        combined = map_in_blocks(one_item, members_per_block(per_item), group.rows)
        result = result.at[group.items].set(combined)
    return result
