"""One container for everything that clients send in a round.

A benign matrix-factorisation row is a scalar times the client's embedding plus the
regulariser, so a row is kept as two scalars and two indices instead of d numbers.
An arbitrary row is its own vector, with scale one and no item term. Rows are
built where they are needed, a block of items at a time.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import members_per_block


class ItemGroup(NamedTuple):
    """The rows of some items that receive a like number of them.

    Attributes:
        items: the items, int32 ``[items]``.
        rows: each item's rows as indices into the upload rows, in row order and
            padded with -1, int32 ``[items, capacity]``.
    """

    items: Array
    rows: Array


class Uploads(NamedTuple):
    """Rows for single items, each sent by ``weight`` clients.

    Row r belongs to ``item[r]`` and is the vector
    ``scale[r] * vectors[vector[r]] + item_scale[r] * item_embeddings[item[r]]``.

    Attributes:
        item: the item of each row, int32 ``[rows]``.
        weight: how many clients sent the row, int32 ``[rows]``; 0 means no row.
        vector: index into ``vectors`` of each row, int32 ``[rows]``.
        scale: factor of the vector, float32 ``[rows]``.
        item_scale: factor of the item's embedding, float32 ``[rows]``.
        vectors: what rows are multiples of, float32 ``[vectors, d]``.
        item_embeddings: the table that the server sent out this round, the same in
            all uploads of a round, float32 ``[m, d]``.
        participants: clients that took part, int32 scalar.
        groups: rows by item for the rules that need them side by side; every item
            in exactly one group, or no group at all.
    """

    item: Array
    weight: Array
    vector: Array
    scale: Array
    item_scale: Array
    vectors: Array
    item_embeddings: Array
    participants: Array
    groups: tuple[ItemGroup, ...] = ()

    @property
    def num_items(self) -> int:
        """Number of items m."""
        return self.item_embeddings.shape[0]


def item_table(
    rows: Array, weight: Array, item_embeddings: Array, participants: Array
) -> Uploads:
    """Uploads with the same number of rows for every item, in the items' order.

    Attacks send such tables; where a malicious client leaves an item alone, the
    row's weight is 0.

    Args:
        rows: float32 ``[m, rows_per_item, d]``.
        weight: int32 ``[m, rows_per_item]``.
        item_embeddings: the round's item embeddings, float32 ``[m, d]``.
        participants: clients that took part, int32 scalar.
    """
    num_items, per_item, dim = rows.shape
    chex.assert_shape(weight, (num_items, per_item))
    chex.assert_shape(item_embeddings, (num_items, dim))
    count = num_items * per_item
    return Uploads(
        item=jnp.repeat(jnp.arange(num_items, dtype=jnp.int32), per_item),
        weight=weight.reshape(count).astype(jnp.int32),
        vector=jnp.arange(count, dtype=jnp.int32),
        scale=jnp.ones(count, rows.dtype),
        item_scale=jnp.zeros(count, rows.dtype),
        vectors=rows.reshape(count, dim),
        item_embeddings=item_embeddings,
        participants=jnp.asarray(participants, jnp.int32),
    )


def append_item_table(uploads: Uploads, table: Uploads) -> Uploads:
    """Adds the rows of an :func:`item_table` behind those of ``uploads``.

    The table's rows join every item's group at its end, so earlier rows win ties.
    """
    offset = uploads.item.size
    per_item, remainder = divmod(table.item.size, uploads.num_items)
    chex.assert_equal(remainder, 0)

    def extend(group: ItemGroup) -> ItemGroup:
        first = offset + group.items[:, None] * per_item
        added = first + jnp.arange(per_item, dtype=jnp.int32)
        return group._replace(rows=jnp.concatenate([group.rows, added], axis=1))

    return Uploads(
        item=jnp.concatenate([uploads.item, table.item]),
        weight=jnp.concatenate([uploads.weight, table.weight]),
        vector=jnp.concatenate(
            [uploads.vector, table.vector + uploads.vectors.shape[0]]
        ),
        scale=jnp.concatenate([uploads.scale, table.scale]),
        item_scale=jnp.concatenate([uploads.item_scale, table.item_scale]),
        vectors=jnp.concatenate([uploads.vectors, table.vectors]),
        item_embeddings=uploads.item_embeddings,
        participants=uploads.participants + table.participants,
        groups=tuple(extend(group) for group in uploads.groups),
    )


def rows_of(uploads: Uploads, index: Array) -> Array:
    """Builds the rows at ``index``.

    Args:
        uploads: the uploads.
        index: row numbers within range, int32, any shape.

    Returns:
        float32 ``[*index.shape, d]``.
    """
    vectors = uploads.vectors[uploads.vector[index]]
    embeddings = uploads.item_embeddings[uploads.item[index]]
    return (
        uploads.scale[index][..., None] * vectors
        + uploads.item_scale[index][..., None] * embeddings
    )


def row_counts(uploads: Uploads) -> Array:
    """Number of rows that each item received, weights counted, int32 ``[m]``."""
    return jax.ops.segment_sum(uploads.weight, uploads.item, uploads.num_items)


def item_sums(uploads: Uploads) -> Array:
    """Sum of each item's rows, each taken ``weight`` times, float32 ``[m, d]``.

    The item term needs only its scalars summed, so no row is stored for it.
    """
    weight = uploads.weight.astype(uploads.scale.dtype)
    vector_part = _sum_scaled_vectors(uploads, weight * uploads.scale)
    item_part = jax.ops.segment_sum(
        weight * uploads.item_scale, uploads.item, uploads.num_items
    )
    return vector_part + item_part[:, None] * uploads.item_embeddings


def _sum_scaled_vectors(uploads: Uploads, scale: Array) -> Array:
    """``segment_sum`` of the scaled vectors by item, a block of rows at a time."""
    num_items, dim = uploads.item_embeddings.shape
    block = members_per_block(dim)
    blocks = -(-scale.size // block)
    padding = (0, blocks * block - scale.size)
    rows = uploads.item, scale, uploads.vector
    split = [jnp.pad(field, padding).reshape(blocks, block) for field in rows]

    def add(total: Array, part: list[Array]) -> tuple[Array, None]:
        item, scale, vector = part
        rows = scale[:, None] * uploads.vectors[vector]
        # A sum of its own for each block rounds less than one long running sum.
        return total + jax.ops.segment_sum(rows, item, num_items), None

    zeros = jnp.zeros((num_items, dim), scale.dtype)
    return jax.lax.scan(add, zeros, split)[0]


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

    def keep() -> tuple[Array, ...]:
        weightless = jnp.zeros((), jnp.int32)
        fields = uploads.weight, uploads.scale, uploads.item_scale
        return *fields, uploads.vectors, uploads.item_embeddings, weightless

    def drop() -> tuple[Array, ...]:
        finite = jnp.isfinite(
            _bound(
                uploads.scale,
                largest[uploads.vector],
                uploads.item_scale,
                largest_item[uploads.item],
            )
        )
        weight = jnp.where(finite, uploads.weight, 0)
        return (
            weight,
            jnp.where(finite, uploads.scale, 0.0),
            jnp.where(finite, uploads.item_scale, 0.0),
            jnp.where(jnp.isfinite(largest)[:, None], uploads.vectors, 0.0),
            jnp.where(
                jnp.isfinite(largest_item)[:, None], uploads.item_embeddings, 0.0
            ),
            jnp.sum(uploads.weight) - jnp.sum(weight),
        )

    weight, scale, item_scale, vectors, embeddings, dropped = jax.lax.cond(
        jnp.isfinite(bound), keep, drop
    )
    kept = uploads._replace(
        weight=weight,
        scale=scale,
        item_scale=item_scale,
        vectors=vectors,
        item_embeddings=embeddings,
    )
    return kept, dropped


def _bound(scale: Array, largest: Array, item_scale: Array, item: Array) -> Array:
    """An upper bound of a row's numbers; not finite where the row may not be."""
    item_part = jnp.where(item_scale == 0.0, 0.0, jnp.abs(item_scale) * item)
    return jnp.abs(scale) * largest + item_part
