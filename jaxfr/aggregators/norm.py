"""Norm clipping, which composes with every rule."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Transform
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.uploads import ItemTable, Uploads, for_own_rows, rows_of


def clip_by_norm(clip_norm: Array | float) -> Transform:
    """Scales each row to a Euclidean norm of at most ``clip_norm``.

    A row more than 8e37 times as long becomes zero: float32 has no smaller factor.

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest norm c, positive scalar.
    """
    factor = functools.partial(factor_to_norm, jnp.asarray(clip_norm, jnp.float32))

    def clip_table(table: ItemTable) -> ItemTable:
        return table._replace(rows=table.rows * factor(table.rows)[..., None])

    def transform(uploads: Uploads) -> Uploads:
        tables = tuple(map(clip_table, uploads.tables))
        if uploads.item.size == 0:
            return uploads._replace(tables=tables)
        own = for_own_rows(uploads)
        scattered = map_in_blocks(
            lambda row: factor(rows_of(own, row)),
            members_per_block(uploads.vectors.shape[1]),
            jnp.arange(uploads.item.size),
        )
        return uploads._replace(
            scale=uploads.scale * scattered,
            item_scale=own.item_scale * scattered,
            tables=tables,
        )

    return transform


@jax.custom_jvp
def factor_to_norm(clip_norm: Array, rows: Array) -> Array:
    """The factor that scales each row to at most the norm, ``[..., d]`` to ``[...]``.

    The derivative of ``c / |row|`` is that of its logarithm, ``dc / c - row . drow /
    |row|^2``, times the factor; a row that stays as it is has factor 1 near by, too.

    Args:
        clip_norm: the largest norm c, positive float32 scalar.
        rows: float32 ``[..., d]``.
    """
    return _factor_and_norm(clip_norm, rows)[0]


@factor_to_norm.defjvp
def _while_clipped(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    clip_norm, rows = primals
    factor, norm = _factor_and_norm(clip_norm, rows)
    clipped = factor < 1.0
    norm = jnp.where(clipped, norm, 1.0)[..., None]
    # Divided twice: the square of a large norm overflows.
    along = jnp.sum(rows / norm * (tangents[1] / norm), axis=-1)
    change = tangents[0] / clip_norm - along
    return factor, jnp.where(clipped, factor * change, 0.0)


def _factor_and_norm(clip_norm: Array, rows: Array) -> tuple[Array, Array]:
    # Two steps, so that squares of large rows do not overflow.
    largest = jnp.max(jnp.abs(rows), axis=-1)
    unit = rows / jnp.where(largest > 0.0, largest, 1.0)[..., None]
    norm = largest * jnp.sqrt(jnp.sum(unit * unit, axis=-1))
    return jnp.minimum(1.0, clip_norm / jnp.where(norm > 0.0, norm, 1.0)), norm
