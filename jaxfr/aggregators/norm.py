"""Norm clipping, which composes with every rule."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Stage, row_wise
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.uploads import ItemTable, Uploads, rows_of


def clip_by_norm(clip_norm: Array | float) -> Stage:
    """Scales each row to a Euclidean norm of at most ``clip_norm``.

    A row more than 8e37 times as long becomes zero: float32 has no smaller factor.

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest norm c, positive scalar.
    """

    def factor(rows: Array) -> Array:
        """The factor of each row, ``[..., d]`` to ``[...]``."""
        # Two steps, so that squares of large rows do not overflow.
        largest = jnp.max(jnp.abs(rows), axis=-1)
        unit = rows / jnp.where(largest > 0.0, largest, 1.0)[..., None]
        norm = largest * jnp.sqrt(jnp.sum(unit * unit, axis=-1))
        return jnp.minimum(1.0, clip_norm / jnp.where(norm > 0.0, norm, 1.0))

    def clip_table(table: ItemTable) -> ItemTable:
        return table._replace(rows=table.rows * factor(table.rows)[..., None])

    def transform(uploads: Uploads) -> Uploads:
        tables = tuple(map(clip_table, uploads.tables))
        if uploads.item.size == 0:
            return uploads._replace(tables=tables)
        scattered = map_in_blocks(
            lambda row: factor(rows_of(uploads, row)),
            members_per_block(uploads.vectors.shape[1]),
            jnp.arange(uploads.item.size),
        )
        return uploads._replace(
            scale=uploads.scale * scattered,
            item_scale=uploads.item_scale * scattered,
            tables=tables,
        )

    return row_wise(transform)
