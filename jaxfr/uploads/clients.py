"""Rows by client: maps over rows, sums by client, and trust in a client.

Trust is a share from 0 to 1. A client's rows count by the client's trust times that in
the row itself. Before rows are aggregated, trust becomes weight: a row of one client
that is trusted in full weighs ``TRUST_UNIT``, and other rows in proportion. Weights
stay integers, so that every rule counts as it does without trust, and rows that are
trusted 0 or 1 are left out or kept exactly.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block, sum_by_index
from jaxfr.devices import for_own_part, sum_over_devices
from jaxfr.errors import InvalidInputError
from jaxfr.shapes import Float, Int
from jaxfr.uploads.container import ItemTable, Uploads, for_own_rows, rows_of

TRUST_UNIT = 1024
"""Trust is rounded to one part in so many."""

MOST_CLIENTS = 2**30 // TRUST_UNIT
"""So many clients' rows of one item can be counted in int32, with room for sums."""


def weight_of_clients(uploads: Uploads, clients: Array) -> Array:
    """What a row of each of so many clients weighs, all trusted in full, int32.

    Where trust is weight, of no more than ``MOST_CLIENTS``; there are no more.
    """
    if uploads.unit is None:
        return clients
    return jnp.minimum(clients, MOST_CLIENTS) * uploads.unit


def trust_clients(uploads: Uploads, trust: Float[Array, " clients"]) -> Uploads:
    """Trusts clients by this share of what they were trusted before.

    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])
    >>> uploads = fr.trust_clients(uploads, jnp.array([1.0, 0.0]))
    >>> fr.aggregate(fr.mean(), uploads, num_clients=2)[0].rows
    Array([[1.]], dtype=float32)

    Args:
        uploads: whose clients are known.
        trust: of each client by its id, in [0, 1]; what is outside counts as the
            nearest share, and ``nan`` as 0.
    """
    before, trust = uploads.client_trust, _as_share(trust)
    together = trust if before is None else before * trust
    return uploads._replace(client_trust=together)


def trust_rows(
    uploads: Uploads, scattered: Float[Array, " rows"], tables: tuple[Array, ...]
) -> Uploads:
    """Trusts rows by this share of what they were trusted before.

    Args:
        scattered: of each scattered row, as in :func:`trust_clients`.
        tables: of each table's rows, float32 ``[m, rows_per_item]``.
    """
    before, scattered = uploads.row_trust, _as_share(scattered)
    tables = tuple(map(_as_share, tables))
    of_tables = tuple(
        table._replace(trust=trust if table.trust is None else table.trust * trust)
        for table, trust in zip(uploads.tables, tables, strict=True)
    )
    together = scattered if before is None else before * scattered
    return uploads._replace(row_trust=together, tables=of_tables)


def _as_share(trust: Array) -> Array:
    return jnp.clip(jnp.where(jnp.isnan(trust), 0.0, trust), 0.0, 1.0)


def client_of_bundles(uploads: Uploads) -> Array:
    """The client of each bundle of scattered rows.

    Raises:
        InvalidInputError: if it is not known.
    """
    if uploads.client is None:
        raise InvalidInputError(
            "uploads: it is not known which client sent a row; a stage or rule that "
            "asks is made with sees_clients=True"
        )
    return uploads.client


def trust_as_weight(uploads: Uploads) -> Uploads:
    """The same rows, weighted with the trust in them, where anybody said how much.

    Raises:
        InvalidInputError: if clients are trusted and it is not known who sent the rows.
    """
    trusted = uploads.client_trust is not None or uploads.row_trust is not None
    if not trusted:
        return uploads
    share = uploads.row_trust
    share = jnp.ones(uploads.item.shape) if share is None else share
    if uploads.client_trust is not None:
        of_bundle = uploads.client_trust[client_of_bundles(uploads)]
        of_bundles = by_bundle(uploads, share) * of_bundle[:, None]
        share = of_bundles.reshape(-1)
    tables = tuple(
        _weigh_table(table, uploads.client_trust) for table in uploads.tables
    )
    return uploads._replace(
        weight=_in_units(uploads.weight * share),
        tables=tables,
        client_trust=None,
        row_trust=None,
        unit=jnp.int32(TRUST_UNIT),
    )


def _weigh_table(table: ItemTable, client_trust: Array | None) -> ItemTable:
    count = table.weight.astype(jnp.float32)
    if client_trust is not None:
        if table.senders is None or table.client is None:
            raise InvalidInputError("attack: does not say which client sent a row")
        of_senders = client_trust[table.client]
        trusted = jnp.einsum("jrc,c->jr", table.senders.astype(jnp.float32), of_senders)
        # What the server left out, such as a row that is not finite, weighs 0.
        count = jnp.where(table.weight > 0, trusted, 0.0)
    if table.trust is not None:
        count *= table.trust
    return table._replace(weight=_in_units(count), trust=None)


def _in_units(share: Array) -> Array:
    return jnp.round(TRUST_UNIT * share).astype(jnp.int32)


def each_client_one_slot(uploads: Uploads) -> Uploads:
    """The same rows, in tables of which each slot's rows are from the same clients.

    Where clients share rows, but each sends them for items of its own, every client
    gets a row of its own of each item, of weight 0 where it sent none. Else nothing
    changes. A client sends a table's item one row at most.

    Raises:
        InvalidInputError: if it is not known who sent the rows.
    """
    return uploads._replace(tables=tuple(map(_one_slot_each, uploads.tables)))


def _one_slot_each(table: ItemTable) -> ItemTable:
    if table.senders is None or table.client is None:
        raise InvalidInputError("attack: does not say which client sent a row")
    if table.senders.shape[0] == 1:
        return table
    sent = (table.weight > 0)[..., None] & table.senders
    slot = jnp.argmax(sent, axis=1)
    return ItemTable(
        jnp.take_along_axis(table.rows, slot[..., None], axis=1),
        jnp.any(sent, axis=1).astype(jnp.int32),
        jnp.eye(table.client.size, dtype=bool)[None],
        table.client,
        None if table.trust is None else jnp.take_along_axis(table.trust, slot, 1),
    )


def client_of_slots(table: ItemTable) -> Int[Array, " rows_per_item"]:
    """One of the clients that sent each of a table's rows, the same for all items."""
    assert table.senders is not None
    assert table.client is not None
    if table.weight.shape[1] == 0:
        return table.client[:0]
    return table.client[jnp.argmax(table.senders[0], axis=1)]


OfRows = tuple[Array, tuple[Array, ...]]
"""Of each scattered row a number, ``[rows]``, and of each table's rows, ``[m, k]``."""


def map_rows(
    function: Callable[..., Array], uploads: Uploads, *of_items: Array
) -> OfRows:
    """Computes a number of each row, or some, whether anybody sent it or not.

    >>> fr.map_rows(fr.row_norm, fr.uploads_of([[[3.0, 4.0]]]))[0]
    Array([5.], dtype=float32)

    Args:
        function: of rows, float32 ``[..., d]``, and of what their items have, to
            ``[...]``, or ``[..., numbers]`` for several.
        uploads: the rows.
        *of_items: arrays ``[m, ...]``, of which the function gets that of each row's
            item.
    """
    tables = tuple(
        function(table.rows, *(leaf[:, None] for leaf in of_items))
        for table in uploads.tables
    )
    if uploads.item.size == 0:
        no_row = uploads.vectors[:0], *(leaf[:0] for leaf in of_items)
        return function(*no_row), tables
    own, of_own = for_own_rows(uploads), tuple(map(for_own_part, of_items))
    scattered = map_in_blocks(
        lambda row: function(
            rows_of(own, row), *(leaf[uploads.item[row]] for leaf in of_own)
        ),
        members_per_block(uploads.vectors.shape[1]),
        jnp.arange(uploads.item.size),
    )
    return scattered, tables


def scale_rows(uploads: Uploads, factors: OfRows) -> Uploads:
    """Multiplies each row by its factor.

    >>> uploads = fr.uploads_of([[[3.0, 4.0]]])
    >>> fr.item_sums(fr.scale_rows(uploads, (jnp.array([2.0]), ())))
    Array([[6., 8.]], dtype=float32)
    """
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


def by_bundle(uploads: Uploads, of_rows: Array) -> Array:
    """What there is of each scattered row, ``[bundles, rows_per_bundle]``."""
    return of_rows.reshape(uploads.vector.size, uploads.rows_per_bundle)


def sum_by_client(uploads: Uploads, of_rows: OfRows, num_clients: int) -> Array:
    """Adds up a number of each row by the client that sent it.

    >>> uploads = fr.uploads_of([[[1.0], [3.0]], [[5.0], [7.0]]])  # 2 items, 2 clients
    >>> fr.sum_by_client(uploads, fr.map_rows(fr.row_norm, uploads), 2)
    Array([ 6., 10.], dtype=float32)

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
    client = client_of_bundles(uploads)
    scattered, tables = of_rows
    counted = jnp.where(uploads.weight > 0, scattered, 0)
    of_bundles = jnp.sum(by_bundle(uploads, counted), axis=1)
    total = sum_over_devices(sum_by_index(of_bundles, client, num_clients))
    for table, numbers in zip(uploads.tables, tables, strict=True):
        if table.senders is None or table.client is None:
            raise InvalidInputError("attack: does not say which client sent a row")
        sent = jnp.where(table.weight > 0, numbers, 0)
        # Where each slot has one set of senders, items are added up before clients.
        if table.senders.shape[0] == 1:
            sent = jnp.sum(sent, axis=0, keepdims=True)
        of_senders = jnp.sum(jnp.where(table.senders, sent[..., None], 0), axis=(0, 1))
        total = total.at[table.client].add(of_senders.astype(total.dtype))
    return total


def rows_by_client(uploads: Uploads, num_clients: int) -> Int[Array, " clients"]:
    """How many rows each client sent, by its id."""
    tables = tuple(_ones(table) for table in uploads.tables)
    ones = jnp.ones(uploads.item.shape, jnp.int32), tables
    return sum_by_client(uploads, ones, num_clients)


def _ones(table: ItemTable) -> Array:
    return jnp.ones(table.weight.shape, jnp.int32)
