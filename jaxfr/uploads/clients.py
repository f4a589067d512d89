"""What the server sees of each client: which rows it sent, how many, and how long."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.devices import sum_over_devices
from jaxfr.errors import InvalidInputError
from jaxfr.segments import sum_by_index
from jaxfr.uploads.container import ItemTable, Uploads, for_own_rows, rows_of

OfRows = tuple[Array, tuple[Array, ...]]
"""A number of each scattered row ``[rows]``, and of each table's rows ``[m, k]``."""


def map_rows(function: Callable[[Array], Array], uploads: Uploads) -> OfRows:
    """Computes a number of each row, whether anybody sent it or not.

    Args:
        function: of rows, float32 ``[..., d]``, to ``[...]``.
        uploads: the rows.
    """
    tables = tuple(function(table.rows) for table in uploads.tables)
    if uploads.item.size == 0:
        return uploads.scale, tables
    own = for_own_rows(uploads)
    scattered = map_in_blocks(
        lambda row: function(rows_of(own, row)),
        members_per_block(uploads.vectors.shape[1]),
        jnp.arange(uploads.item.size),
    )
    return scattered, tables


def scale_rows(uploads: Uploads, factors: OfRows) -> Uploads:
    """Multiplies each row by its factor."""
    scattered, of_tables = factors
    tables = tuple(
        table._replace(rows=table.rows * factor[..., None])
        for table, factor in zip(uploads.tables, of_tables, strict=True)
    )
    if uploads.item.size == 0:
        return uploads._replace(tables=tables)
    return uploads._replace(
        scale=uploads.scale * scattered,
        item_scale=for_own_rows(uploads).item_scale * scattered,
        tables=tables,
    )


def row_norm(rows: Array) -> Array:
    """Euclidean norms, ``[..., d]`` to ``[...]``, for which no square overflows."""
    largest = jnp.max(jnp.abs(rows), axis=-1)
    unit = rows / jnp.where(largest > 0.0, largest, 1.0)[..., None]
    return largest * jnp.sqrt(jnp.sum(unit * unit, axis=-1))


def sum_by_client(uploads: Uploads, of_rows: OfRows, num_clients: int) -> Array:
    """Adds up a number of each row by the client that sent it.

    A row that several malicious clients sent is added for each of them.

    Args:
        uploads: the rows, whose clients are known.
        of_rows: the numbers.
        num_clients: clients that have an id.

    Returns:
        Of each client by its id, the same on all devices, ``[clients]``.

    Raises:
        InvalidInputError: if it is not known who sent the rows.
    """
    if uploads.client is None:
        raise InvalidInputError("uploads: nobody says which client sent a row")
    scattered, tables = of_rows
    counted = jnp.where(uploads.weight > 0, scattered, 0)
    of_bundles = jnp.sum(counted.reshape(uploads.vector.size, -1), axis=1)
    total = sum_over_devices(sum_by_index(of_bundles, uploads.client, num_clients))
    for table, numbers in zip(uploads.tables, tables, strict=True):
        if table.senders is None or table.client is None:
            raise InvalidInputError("attack: does not say which client sent a row")
        sent = jnp.where(table.weight > 0, numbers, 0)
        of_senders = jnp.sum(table.senders * sent[..., None], axis=(0, 1))
        total = total.at[table.client].add(of_senders.astype(total.dtype))
    return total


def rows_by_client(uploads: Uploads, num_clients: int) -> Array:
    """How many rows each client sent, by its id, int32 ``[clients]``."""
    tables = tuple(_ones(table) for table in uploads.tables)
    ones = jnp.ones(uploads.item.shape, jnp.int32), tables
    return sum_by_client(uploads, ones, num_clients)


def _ones(table: ItemTable) -> Array:
    return jnp.ones(table.weight.shape, jnp.int32)
