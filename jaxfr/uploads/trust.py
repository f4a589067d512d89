"""Trust: how much of a client, and of a row, counts.

Trust is a share from 0 to 1. A client's rows count by the client's trust times that in
the row itself. Before rows are aggregated, trust becomes weight: a row of one client
that is trusted in full weighs ``TRUST_UNIT``, and other rows in proportion. Weights
stay integers, so that every rule counts as it does without trust, and rows that are
trusted 0 or 1 are left out or kept exactly.
"""

import jax.numpy as jnp
from jax import Array

from jaxfr.errors import InvalidInputError
from jaxfr.uploads.container import ItemTable, Uploads

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


def trust_clients(uploads: Uploads, trust: Array) -> Uploads:
    """Trusts clients by this share of what they were trusted before.

    Args:
        uploads: whose clients are known.
        trust: of each client by its id, in [0, 1], float32 ``[clients]``.
    """
    before = uploads.client_trust
    together = trust if before is None else before * trust
    return uploads._replace(client_trust=together)


def trust_rows(
    uploads: Uploads, scattered: Array, tables: tuple[Array, ...]
) -> Uploads:
    """Trusts rows by this share of what they were trusted before.

    Args:
        uploads: the uploads.
        scattered: of each scattered row, in [0, 1], float32 ``[rows]``.
        tables: of each table's rows, float32 ``[m, rows_per_item]``.
    """
    before = uploads.row_trust
    of_tables = tuple(
        table._replace(trust=trust if table.trust is None else table.trust * trust)
        for table, trust in zip(uploads.tables, tables, strict=True)
    )
    together = scattered if before is None else before * scattered
    return uploads._replace(row_trust=together, tables=of_tables)


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
        if uploads.client is None:
            raise InvalidInputError("uploads: nobody says which client sent a row")
        of_bundle = uploads.client_trust[uploads.client]
        of_bundles = share.reshape(uploads.vector.size, -1) * of_bundle[:, None]
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
