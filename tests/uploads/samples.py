"""Uploads of every kind, whose arithmetic NumPy repeats in float64, row by row."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.uploads import ItemTable, Uploads, group_rows, plan_item_slots

NUM_ITEMS, NUM_VECTORS, NUM_ROWS, DIM = 6, 5, 40, 3


class Kind(NamedTuple):
    """How uploads hold their rows.

    Attributes:
        width: rows per bundle.
        one_item_scale: whether all rows have the same factor of their item.
        tables: rows per item of each table.
    """

    width: int = 1
    one_item_scale: bool = False
    tables: tuple[int, ...] = ()


SINGLE = Kind()
KINDS = {
    "bundles": Kind(width=4),
    "tables": Kind(width=4, one_item_scale=True, tables=(1, 2)),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class Loose(NamedTuple):
    """Rows one by one, those of tables behind the others.

    Attributes:
        item: ``[rows]``.
        weight: ``[rows]``.
        rows: float64 ``[rows, d]``.
    """

    item: np.ndarray
    weight: np.ndarray
    rows: np.ndarray


def random_uploads(seed: int, kind: Kind = SINGLE) -> Uploads:
    """Rows of all kinds, in random order; item 2 and 3 of 6 have none."""
    generator = np.random.default_rng(seed)
    items = generator.choice([0, 1, 4, 5], size=NUM_ROWS)
    scales, item_scales = generator.normal(size=(2, NUM_ROWS))
    item_scale = abs(item_scales[0]) if kind.one_item_scale else item_scales.clip(0)
    weight = generator.integers(0, 4, size=NUM_ROWS)
    vector = generator.integers(NUM_VECTORS, size=NUM_ROWS // kind.width)
    return Uploads(
        item=jnp.asarray(items, jnp.int32),
        weight=jnp.asarray(weight, jnp.int32),
        vector=jnp.asarray(vector, jnp.int32),
        scale=jnp.asarray(scales, jnp.float32),
        item_scale=jnp.asarray(item_scale, jnp.float32),
        vectors=jnp.asarray(generator.normal(size=(NUM_VECTORS, DIM)), jnp.float32),
        item_embeddings=jnp.asarray(
            generator.normal(size=(NUM_ITEMS, DIM)), jnp.float32
        ),
        participants=jnp.int32(NUM_ROWS),
        tables=tuple(random_table(generator, per_item) for per_item in kind.tables),
    )


def random_table(generator: np.random.Generator, rows_per_item: int) -> ItemTable:
    """Rows of weight 0 to 3; those of items 2 and 3 weigh nothing."""
    weight = generator.integers(0, 4, size=(NUM_ITEMS, rows_per_item))
    weight[2:4] = 0
    rows = generator.normal(size=(NUM_ITEMS, rows_per_item, DIM))
    return ItemTable(jnp.asarray(rows, jnp.float32), jnp.asarray(weight, jnp.int32))


@jax.jit
def grouped(uploads: Uploads) -> Uploads:
    """Groups the scattered rows by item; two tables, with room for all rows."""
    capacity = np.full(NUM_ITEMS, NUM_ROWS)
    capacity[2:4] = 0
    groups, _ = group_rows(
        uploads.item, uploads.weight > 0, NUM_ITEMS, plan_item_slots(capacity, 2)
    )
    return uploads._replace(groups=groups)


def scattered_rows(uploads: Uploads) -> np.ndarray:
    """The scattered rows; of an item taken zero times, nothing is in a row."""
    width = uploads.item.size // max(uploads.vector.size, 1)
    scale = np.asarray(uploads.scale, np.float64)
    item_scale = np.broadcast_to(
        np.asarray(uploads.item_scale, np.float64), scale.shape
    )
    vectors = np.asarray(uploads.vectors, np.float64)
    embeddings = np.asarray(uploads.item_embeddings, np.float64)
    vector = np.asarray(uploads.vector)
    rows = np.empty((uploads.item.size, embeddings.shape[1]))
    for index, item in enumerate(np.asarray(uploads.item)):
        rows[index] = scale[index] * vectors[vector[index // width]]
        if item_scale[index] != 0:
            rows[index] += item_scale[index] * embeddings[item]
    return rows


def loose(uploads: Uploads) -> Loose:
    """All rows."""
    items, weights = [np.asarray(uploads.item)], [np.asarray(uploads.weight)]
    rows = [scattered_rows(uploads)]
    for table in uploads.tables:
        num_items, per_item, dim = table.rows.shape
        items.append(np.repeat(np.arange(num_items), per_item))
        weights.append(np.asarray(table.weight).reshape(-1))
        rows.append(np.asarray(table.rows, np.float64).reshape(-1, dim))
    return Loose(*map(np.concatenate, (items, weights, rows)))


def received_rows(uploads: Uploads, absent_as_zeros: bool = False) -> list[np.ndarray]:
    """Each item's rows, each as often as it counts, ``[rows, d]``.

    With a zero row for each participant that sent none, if they are to count.
    """
    item, weight, rows = loose(uploads)
    found = []
    for j in range(uploads.num_items):
        own = np.repeat(rows[item == j], weight[item == j], axis=0)
        absent = int(uploads.participants) - len(own) if absent_as_zeros else 0
        found.append(np.concatenate([own, np.zeros((absent, rows.shape[1]))]))
    return found


def loop_sums(uploads: Uploads) -> np.ndarray:
    """Each item's rows added up one by one, ``[m, d]``."""
    sums = np.zeros(uploads.item_embeddings.shape)
    for item, weight, row in zip(*loose(uploads), strict=True):
        sums[item] += weight * row
    return sums


def on_devices(uploads: Uploads, devices: int) -> Uploads:
    """Each device's rows and vectors, and all else, stacked.

    Bundles that hold no row fill up the last device's. Each device has its vectors in
    an order of its own.
    """
    missing = -uploads.vector.size % devices

    def split(field: jax.Array) -> jax.Array:
        if field.ndim == 0:
            return jnp.broadcast_to(field, devices)
        width = field.size // uploads.vector.size
        return jnp.pad(field, (0, missing * width)).reshape(devices, -1)

    everywhere = jax.tree.map(
        lambda field: jnp.broadcast_to(field, (devices, *field.shape)), uploads
    )
    names = "item", "weight", "scale", "item_scale"
    own = jnp.arange(devices)
    return everywhere._replace(
        **{name: split(getattr(uploads, name)) for name in names},
        vector=(split(uploads.vector) + own[:, None]) % uploads.vectors.shape[0],
        vectors=jax.vmap(lambda by: jnp.roll(uploads.vectors, by, axis=0))(own),
    )
