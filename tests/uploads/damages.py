"""Uploads in which a number is not finite, or one would be too large."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from jaxfr.uploads import ItemTable, Uploads

from .samples import KINDS

LARGEST = float(np.finfo(np.float32).max)
Damage = Callable[[Uploads], Uploads]


def unchanged(uploads: Uploads) -> Uploads:
    return uploads


def nan_in_vector(uploads: Uploads) -> Uploads:
    return uploads._replace(vectors=uploads.vectors.at[1, 2].set(jnp.nan))


def infinity_in_vector(uploads: Uploads) -> Uploads:
    return uploads._replace(vectors=uploads.vectors.at[0, 0].set(-jnp.inf))


def nan_in_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(scale=uploads.scale.at[7].set(jnp.nan))


def infinity_in_scale(uploads: Uploads) -> Uploads:
    return uploads._replace(scale=uploads.scale.at[8].set(jnp.inf))


def with_item_scale(uploads: Uploads, row: int, value: float) -> Uploads:
    """Of one row, or of all rows where they have the same."""
    place = row if uploads.item_scale.ndim > 0 else ()
    return uploads._replace(item_scale=uploads.item_scale.at[place].set(value))


def nan_in_item_scale(uploads: Uploads) -> Uploads:
    return with_item_scale(uploads, 9, jnp.nan)


def infinity_in_item_scale(uploads: Uploads) -> Uploads:
    return with_item_scale(uploads, 10, -jnp.inf)


def nan_in_item(uploads: Uploads) -> Uploads:
    return uploads._replace(
        item_embeddings=uploads.item_embeddings.at[4, 1].set(jnp.nan)
    )


def with_large_row(uploads: Uploads, row: int, scale: float, number: float) -> Uploads:
    vector = uploads.vector[row // uploads.rows_per_bundle]
    return uploads._replace(
        scale=uploads.scale.at[row].set(scale),
        vectors=uploads.vectors.at[vector].set(number),
    )


def product_too_large(uploads: Uploads) -> Uploads:
    return with_large_row(uploads, 11, 1e30, 1e20)


def sum_too_large(uploads: Uploads) -> Uploads:
    """The only row of item 3, whose two parts are not too large."""
    uploads = with_large_row(with_item_scale(uploads, 12, 0.5), 12, 3e38, 1.0)
    return uploads._replace(
        item=uploads.item.at[12].set(3),
        item_embeddings=uploads.item_embeddings.at[3].set(3e38),
    )


def large_but_finite(uploads: Uploads) -> Uploads:
    return with_large_row(uploads, 13, 1e30, 1e8)


def in_last_table(uploads: Uploads, value: float) -> Uploads:
    """A number of the last row of item 1, sent once."""
    *others, last = uploads.tables
    changed = ItemTable(
        last.rows.at[1, -1, 2].set(value), last.weight.at[1].set(0).at[1, -1].set(1)
    )
    return uploads._replace(tables=(*others, changed))


def nan_in_table(uploads: Uploads) -> Uploads:
    return in_last_table(uploads, jnp.nan)


def infinity_in_table(uploads: Uploads) -> Uploads:
    return in_last_table(uploads, -jnp.inf)


def largest_in_table(uploads: Uploads) -> Uploads:
    return in_last_table(uploads, LARGEST)


def everything_at_once(uploads: Uploads) -> Uploads:
    for damage in (nan_in_vector, nan_in_scale, infinity_in_item_scale, nan_in_item):
        uploads = damage(uploads)
    return uploads


DAMAGES = [
    unchanged,
    nan_in_vector,
    infinity_in_vector,
    nan_in_scale,
    infinity_in_scale,
    nan_in_item_scale,
    infinity_in_item_scale,
    nan_in_item,
    product_too_large,
    sum_too_large,
    large_but_finite,
    everything_at_once,
]
TABLE_DAMAGES = [nan_in_table, infinity_in_table, largest_in_table]
HARMLESS = unchanged, large_but_finite, largest_in_table
CASES = {
    f"{name}-{damage.__name__}": (kind, damage)
    for name, kind in KINDS.items()
    for damage in DAMAGES + (TABLE_DAMAGES if kind.tables else [])
}
