"""One container for everything that clients send in a round.

A benign matrix-factorisation row is a scalar times the client's embedding plus the
regulariser, so a row is kept as two scalars instead of d numbers, and rows that are
multiples of one vector stand together and name it once. What an attack sends to every
item is a table. Rows are built where they are needed, a block of items at a time.
"""

import operator
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import add_rows, fold_in_blocks, members_per_block, sum_by_index
from jaxfr.devices import for_own_part, sum_over_devices
from jaxfr.errors import InvalidInputError
from jaxfr.shapes import Bool, Float, Int
from jaxfr.showing import brief, by_shapes


@by_shapes
class ItemGroup(NamedTuple):
    """The scattered rows of some items that receive a like number of them.

    Attributes:
        items: the items; m where there is none.
        rows: each item's rows as indices into the upload rows, in row order and padded
            with -1.
    """

    items: Int[Array, " items"]
    rows: Int[Array, "items capacity"]


@by_shapes
class ItemTable(NamedTuple):
    """The same number of rows for every item.

    Attributes:
        weight: how many clients sent the row; 0 means no row.
        senders: who they are; None where nobody may ask.
        client: the ids of those clients.
        trust: in each row; None for 1.
    """

    rows: Float[Array, "m rows_per_item d"]
    weight: Int[Array, "m rows_per_item"]
    senders: Bool[Array, "_ rows_per_item clients"] | None = None
    client: Int[Array, " clients"] | None = None
    trust: Float[Array, "m rows_per_item"] | None = None


class ScatteredSums(NamedTuple):
    """The sums of some uploads' scattered rows, which count for those uploads only.

    Attributes:
        made_of: the arrays that they were computed from, see ``_what_sums_read``.
    """

    sums: Float[Array, "m d"]
    made_of: tuple[Array, ...]


@by_shapes
class Uploads(NamedTuple):
    """Rows for single items, each sent by ``weight`` clients.

    >>> uploads = fr.uploads_of([[[1.0], [2.0]]])
    >>> uploads.participants
    Array(2, dtype=int32)
    >>> uploads  # shapes, whatever the size
    Uploads(item=int32[2], weight=int32[2], ..., vectors=float32[2, 1], ...)

    Scattered row r belongs to ``item[r]`` and is the vector
    ``scale[r] * vectors[vector[b]] + item_scale[r] * item_embeddings[item[r]]``,
    where b is the bundle that r is in: each bundle is the same number of rows that
    follow one another. Tables hold further rows of every item.

    Where a run is spread over devices, each has its own scattered rows, ``vectors`` and
    ``groups``, and everything else is the same on all.

    Attributes:
        item: the item of each scattered row.
        weight: how many clients sent the row; 0 means no row.
        vector: index into ``vectors`` of each bundle.
        scale: factor of the vector.
        item_scale: factor of the item's embedding, or a scalar where it is the same for
            all.
        vectors: what rows are multiples of.
        item_embeddings: the table that the server sent out this round, the same in all
            uploads of a round.
        groups: scattered rows by item for the rules that need them side by side; every
            item in exactly one group, or no group at all.
        tables: rows that come behind the scattered ones.
        scattered_sums: the sum of each item's scattered rows where somebody has
            computed it; see ``with_sums``.
        client: the id of the client that each bundle is from; None where nobody may
            ask.
        client_trust: in each client, by id; None for 1. See ``jaxfr.uploads.clients``.
        row_trust: in each scattered row; None for 1.
        unit: what a row weighs that one client sent and that is trusted in full; None
            for 1.
    """

    item: Int[Array, " rows"]
    weight: Int[Array, " rows"]
    vector: Int[Array, " bundles"]
    scale: Float[Array, " rows"]
    item_scale: Float[Array, " rows"]
    vectors: Float[Array, "vectors d"]
    item_embeddings: Float[Array, "m d"]
    participants: Int[Array, ""]
    groups: tuple[ItemGroup, ...] = ()
    tables: tuple[ItemTable, ...] = ()
    scattered_sums: ScatteredSums | None = None
    client: Int[Array, " bundles"] | None = None
    client_trust: Float[Array, " clients"] | None = None
    row_trust: Float[Array, " rows"] | None = None
    unit: Int[Array, ""] | None = None

    @property
    def client_weight(self) -> Array | int:
        """What a row weighs that one client sent and that is trusted in full."""
        return 1 if self.unit is None else self.unit

    @property
    def num_items(self) -> int:
        """Number of items m."""
        return self.item_embeddings.shape[0]

    @property
    def rows_per_bundle(self) -> int:
        """Number of rows in a bundle."""
        return self.item.size // max(self.vector.size, 1)


def item_table(
    rows: Float[Array, "m rows_per_item d"],
    weight: Int[Array, "m rows_per_item"],
    item_embeddings: Float[Array, "m d"],
    participants: Int[Array, ""] | int,
    senders: Bool[Array, "_ rows_per_item clients"] | None = None,
) -> Uploads:
    """Uploads with the same number of rows for every item, in the items' order.

    >>> rows, weight = jnp.ones((3, 1, 2)), jnp.full((3, 1), 4)  # each from 4 clients
    >>> fr.row_counts(fr.item_table(rows, weight, jnp.zeros((3, 2)), 4))
    Array([4, 4, 4], dtype=int32)

    Attacks send such tables; where a malicious client leaves an item alone, the
    row's weight is 0.

    Args:
        item_embeddings: the round's item embeddings.
        senders: which clients sent each row.

    Raises:
        InvalidInputError: if the shapes do not fit together.
    """
    wanted = *weight.shape, item_embeddings.shape[1]
    if rows.shape != wanted or weight.shape[:1] != item_embeddings.shape[:1]:
        raise InvalidInputError(
            f"rows {brief(rows)} of weight {brief(weight)}: must be [m, rows_per_item, "
            f"d] and [m, rows_per_item] for item embeddings {brief(item_embeddings)}"
        )
    no_index, no_number = jnp.zeros(0, jnp.int32), jnp.zeros(0, rows.dtype)
    return Uploads(
        item=no_index,
        weight=no_index,
        vector=no_index,
        scale=no_number,
        item_scale=no_number,
        vectors=jnp.zeros((0, rows.shape[2]), rows.dtype),
        item_embeddings=item_embeddings,
        participants=jnp.asarray(participants, jnp.int32),
        tables=(ItemTable(rows, weight.astype(jnp.int32), senders),),
    )


def uploads_of(rows: Any) -> Uploads:
    """Uploads in which every client sends one row for every item, to try things with.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.item_sums(uploads)
    Array([[12.]], dtype=float32)

    Args:
        rows: of each item and client, ``[m, clients, d]``; the embeddings that the
            server sent out are zeros.
    """
    rows = jnp.asarray(rows, jnp.float32)
    num_items, clients, dim = rows.shape
    number = jnp.arange(num_items * clients, dtype=jnp.int32)
    item, client = jnp.divmod(number, max(clients, 1))
    every_item = jnp.arange(num_items, dtype=jnp.int32)
    return Uploads(
        item=item,
        weight=jnp.ones_like(number),
        vector=number,
        scale=jnp.ones(number.size),
        item_scale=jnp.zeros(()),
        vectors=rows.reshape(-1, dim),
        item_embeddings=jnp.zeros((num_items, dim)),
        participants=jnp.int32(clients),
        groups=(ItemGroup(every_item, number.reshape(num_items, clients)),),
        client=client,
    )


def one_row_each(
    rows: Float[Array, "n w"],
    taking_part: Bool[Array, " n"],
    table: Float[Array, "1 w"],
) -> Uploads:
    """Uploads in which every client sends a row for a table's only item.

    So are shared weights uploaded: one row of numbers that all clients touch.
    """
    number = rows.shape[0]
    order = jnp.arange(number, dtype=jnp.int32)
    return Uploads(
        item=jnp.zeros(number, jnp.int32),
        weight=taking_part.astype(jnp.int32),
        vector=order,
        scale=jnp.ones(number),
        item_scale=jnp.zeros(()),
        vectors=rows,
        item_embeddings=table,
        participants=sum_over_devices(jnp.sum(taking_part, dtype=jnp.int32)),
        groups=(ItemGroup(jnp.zeros(1, jnp.int32), order[None]),),
        client=order,
    )


def append_tables(uploads: Uploads, more: Uploads) -> Uploads:
    """Adds the tables of ``more``, which has no scattered rows, behind all rows."""
    chex.assert_equal(more.item.size, 0)
    return uploads._replace(
        participants=uploads.participants + more.participants,
        tables=uploads.tables + more.tables,
    )


def for_own_rows(uploads: Uploads) -> Uploads:
    """The same uploads, for reading rows that other devices do not read.

    See :func:`jaxfr.devices.for_own_part`: it is what all devices have the same of.
    """
    item_scale = uploads.item_scale
    return uploads._replace(
        item_scale=for_own_part(item_scale) if item_scale.ndim == 0 else item_scale,
        item_embeddings=for_own_part(uploads.item_embeddings),
        tables=tuple(
            table._replace(rows=for_own_part(table.rows)) for table in uploads.tables
        ),
    )


def rows_of(uploads: Uploads, index: Array) -> Float[Array, "*index d"]:
    """Builds the scattered rows at ``index``."""
    return _rows(uploads, index, uploads.item_embeddings[uploads.item[index]])


def rows_of_item(
    uploads: Uploads, item: Int[Array, ""], index: Int[Array, " capacity"], size: int
) -> tuple[Array, Array]:
    """All rows of one item, those of tables behind the others, and their weights.

    Args:
        index: its line of ``ItemGroup.rows``.
        size: length to pad the result to, at least the capacity and the rows that
            tables hold of an item.

    Returns:
        float32 ``[size, d]`` and int32 ``[size]``; rows of weight 0 hold some finite
        number.
    """
    end = index.size
    index = jnp.pad(index, (0, size - end), constant_values=-1)
    found = jnp.maximum(index, 0)
    rows = _rows(uploads, found, uploads.item_embeddings[item])
    weights = jnp.where(index >= 0, uploads.weight[found], 0)
    # Written into place: a concatenation would be computed number by number.
    for table in uploads.tables:
        rows = jax.lax.dynamic_update_slice(rows, table.rows[item], (end, 0))
        weights = jax.lax.dynamic_update_slice(weights, table.weight[item], (end,))
        end += table.weight.shape[1]
    return rows, weights


def _rows(uploads: Uploads, index: Array, embeddings: Array) -> Array:
    vectors = uploads.vectors[uploads.vector[index // uploads.rows_per_bundle]]
    item_scale = uploads.item_scale
    if item_scale.ndim > 0:
        item_scale = item_scale[index][..., None]
    return uploads.scale[index][..., None] * vectors + item_scale * embeddings


def row_counts(uploads: Uploads) -> Int[Array, " m"]:
    """Number of rows that each item received, weights counted.

    >>> fr.row_counts(fr.uploads_of([[[1.0], [2.0]]]))
    Array([2], dtype=int32)
    """
    scattered = sum_over_devices(
        sum_by_index(uploads.weight, uploads.item, uploads.num_items)
    )
    return scattered + sum(
        (jnp.sum(table.weight, axis=1) for table in uploads.tables),
        start=jnp.zeros((), jnp.int32),
    )


def item_sums(uploads: Uploads) -> Float[Array, "m d"]:
    """Sum of each item's rows, each taken ``weight`` times.

    >>> fr.item_sums(fr.uploads_of([[[1.0], [2.0]]]))
    Array([[3.]], dtype=float32)
    """
    known, read = uploads.scattered_sums, _what_sums_read(uploads)
    # Uploads that were changed since have other arrays, if perhaps equal ones.
    if known is not None and all(map(operator.is_, known.made_of, read)):
        total = known.sums
    else:
        total = _scattered_sums(uploads)
    for table in uploads.tables:
        total += jnp.sum(table.weight[..., None] * table.rows, axis=1)
    return total


def with_sums(uploads: Uploads) -> Uploads:
    """The same uploads, whose scattered rows need not be summed again.

    Within one trace, that is: what crosses a ``jit`` is summed anew, as is what was
    made from these uploads by changing a row, a weight or the table sent out.
    """
    sums = ScatteredSums(_scattered_sums(uploads), _what_sums_read(uploads))
    return uploads._replace(scattered_sums=sums)


def _what_sums_read(uploads: Uploads) -> tuple[Array, ...]:
    """All arrays that decide the sums of the scattered rows."""
    return (
        *(uploads.item, uploads.weight, uploads.vector, uploads.vectors),
        *(uploads.scale, uploads.item_scale, uploads.item_embeddings),
    )


def _scattered_sums(uploads: Uploads) -> Array:
    """The item term needs only its scalars summed, so no row is stored for it."""
    if uploads.item.size == 0:
        return jnp.zeros_like(uploads.item_embeddings)
    item_scale = uploads.item_scale
    if item_scale.ndim == 0:
        alone = uploads._replace(tables=())
        item_part = item_scale * row_counts(alone)
    else:
        weighted = uploads.weight * item_scale
        item_part = sum_over_devices(
            sum_by_index(weighted, uploads.item, uploads.num_items)
        )
    vector_part = sum_over_devices(_sum_scaled_vectors(uploads))
    return vector_part + item_part[:, None] * uploads.item_embeddings


def _sum_scaled_vectors(uploads: Uploads) -> Array:
    """The sum of the scaled vectors by item, a block of bundles at a time."""
    width, dim = uploads.rows_per_bundle, uploads.item_embeddings.shape[1]
    fields = uploads.item, uploads.weight * uploads.scale
    bundles = [field.reshape(uploads.vector.size, width) for field in fields]

    def add(
        total: Array, present: Array, item: Array, scale: Array, vector: Array
    ) -> Array:
        scale = jnp.where(present[:, None], scale, 0.0)
        rows = scale[:, :, None] * uploads.vectors[vector][:, None]
        return add_rows(total, item, rows)

    total = jnp.zeros_like(uploads.item_embeddings)
    block = members_per_block(width * dim)
    return fold_in_blocks(add, total, block, *bundles, uploads.vector)
