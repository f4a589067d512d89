"""Uploads in which a number is not finite, or one would be too large."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxfr.uploads import Uploads

from .samples import KINDS

LARGEST = float(np.finfo(np.float32).max)
Damage = Callable[[Uploads], Uploads]


def at(field: str, place: Any, value: float) -> Damage:
    def damage(uploads: Uploads) -> Uploads:
        changed = getattr(uploads, field).at[place].set(value)
        return uploads._replace(**{field: changed})

    return damage


def in_item_scale(row: int, value: float) -> Damage:
    """Of one row, or of all rows where they have the same."""

    def damage(uploads: Uploads) -> Uploads:
        place = row if uploads.item_scale.ndim > 0 else ()
        return at("item_scale", place, value)(uploads)

    return damage


def large_row(row: int, scale: float, number: float) -> Damage:
    def damage(uploads: Uploads) -> Uploads:
        vector = uploads.vector[row // uploads.rows_per_bundle]
        return one_by_one(at("scale", row, scale), at("vectors", vector, number))(
            uploads
        )

    return damage


def in_table(value: float) -> Damage:
    """A number of the last row of item 1, sent once."""

    def damage(uploads: Uploads) -> Uploads:
        *others, last = uploads.tables
        changed = last._replace(
            rows=last.rows.at[1, -1, 2].set(value),
            weight=last.weight.at[1].set(0).at[1, -1].set(1),
        )
        return uploads._replace(tables=(*others, changed))

    return damage


def one_by_one(*damages: Damage) -> Damage:
    return lambda uploads: functools.reduce(lambda so, one: one(so), damages, uploads)


DAMAGES = {
    "unchanged": one_by_one(),
    "nan_in_vector": at("vectors", (1, 2), jnp.nan),
    "infinity_in_vector": at("vectors", (0, 0), -jnp.inf),
    "nan_in_scale": at("scale", 7, jnp.nan),
    "infinity_in_scale": at("scale", 8, jnp.inf),
    "nan_in_item_scale": in_item_scale(9, jnp.nan),
    "infinity_in_item_scale": in_item_scale(10, -jnp.inf),
    "nan_in_item": at("item_embeddings", (4, 1), jnp.nan),
    "product_too_large": large_row(11, 1e30, 1e20),
    # The only row of item 3, whose two parts are not too large.
    "sum_too_large": one_by_one(
        *(in_item_scale(12, 0.5), large_row(12, 3e38, 1.0)),
        *(at("item", 12, 3), at("item_embeddings", 3, 3e38)),
    ),
    "large_but_finite": large_row(13, 1e30, 1e8),
}
DAMAGES["everything_at_once"] = one_by_one(
    *(DAMAGES["nan_in_vector"], DAMAGES["nan_in_scale"]),
    *(DAMAGES["infinity_in_item_scale"], DAMAGES["nan_in_item"]),
)
TABLE_DAMAGES = {
    "nan_in_table": in_table(jnp.nan),
    "infinity_in_table": in_table(-jnp.inf),
    "largest_in_table": in_table(LARGEST),
}
ALL = DAMAGES | TABLE_DAMAGES
HARMLESS = "unchanged", "large_but_finite", "largest_in_table"
CASES = [
    (kind, damage)
    for kind in KINDS.values()
    for damage in (ALL if kind.tables else DAMAGES)
]
