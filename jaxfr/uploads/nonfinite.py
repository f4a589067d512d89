"""Rows that are not finite are taken out before anything is computed from them."""

import jax.numpy as jnp
from jax import Array

from jaxfr.devices import sum_over_devices
from jaxfr.side_by_side import where_needed
from jaxfr.uploads.container import ItemTable, Uploads


def drop_nonfinite(uploads: Uploads) -> tuple[Uploads, Array]:
    """Takes out every row that holds a NaN or an infinity.

    A row whose numbers could pass the largest float32 while it is built counts as
    infinite. The common case, nothing to drop, is decided from a few maxima.

    Returns:
        The uploads, in which dropped rows weigh 0 and nothing is NaN, and how many
        client uploads were dropped (int32 scalar, weights counted).
    """
    largest = jnp.max(jnp.abs(uploads.vectors), axis=1, initial=0.0)
    largest_item = jnp.max(jnp.abs(uploads.item_embeddings), axis=1, initial=0.0)
    bound = _bound(
        jnp.max(jnp.abs(uploads.scale), initial=0.0),
        jnp.max(largest, initial=0.0),
        jnp.max(jnp.abs(uploads.item_scale), initial=0.0),
        jnp.max(largest_item, initial=0.0),
    )

    def look_at_each() -> Array:
        row = jnp.arange(uploads.item.size)
        vector = uploads.vector[row // uploads.rows_per_bundle]
        return jnp.isfinite(
            _bound(
                uploads.scale,
                largest[vector],
                uploads.item_scale,
                largest_item[uploads.item],
            )
        )

    all_finite = jnp.isfinite(bound)
    finite = where_needed(
        ~all_finite, look_at_each, lambda: jnp.ones(uploads.item.shape, bool)
    )
    item_scale = uploads.item_scale
    if item_scale.ndim == 0:
        item_scale = jnp.where(jnp.isfinite(item_scale), item_scale, 0.0)
    else:
        item_scale = jnp.where(finite, item_scale, 0.0)
    weight = jnp.where(finite, uploads.weight, 0)
    sound, sound_item = jnp.isfinite(largest), jnp.isfinite(largest_item)
    tables = tuple(map(_finite_table, uploads.tables))
    kept = uploads._replace(
        weight=weight,
        scale=jnp.where(finite, uploads.scale, 0.0),
        item_scale=item_scale,
        vectors=jnp.where(sound[:, None], uploads.vectors, 0.0),
        item_embeddings=jnp.where(sound_item[:, None], uploads.item_embeddings, 0.0),
        tables=tables,
    )
    dropped = sum_over_devices(jnp.sum(uploads.weight) - jnp.sum(weight))
    for before, after in zip(uploads.tables, tables, strict=True):
        dropped += jnp.sum(before.weight) - jnp.sum(after.weight)
    return kept, dropped


def _finite_table(table: ItemTable) -> ItemTable:
    finite = jnp.all(jnp.isfinite(table.rows), axis=-1)
    return table._replace(
        rows=jnp.where(finite[..., None], table.rows, 0.0),
        weight=jnp.where(finite, table.weight, 0),
    )


def _bound(scale: Array, largest: Array, item_scale: Array, item: Array) -> Array:
    """An upper bound of a row's numbers; not finite where the row may not be."""
    item_part = jnp.where(item_scale == 0.0, 0.0, jnp.abs(item_scale) * item)
    return jnp.abs(scale) * largest + item_part
