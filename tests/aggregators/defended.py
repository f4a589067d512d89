"""Uploads of known clients, benign ones in rows and malicious ones in a table."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxfr.uploads import ItemTable, Uploads

from .samples import DIM, KINDS, NUM_ITEMS, NUM_ROWS, factored_uploads, grouped

BENIGN, MALICIOUS = 6, 3
CLIENTS = BENIGN + MALICIOUS
# In no order: the server is not to tell them apart.
IDS = np.array([4, 0, 7, 2, 8, 5, 1, 6, 3])


class Row(NamedTuple):
    """What one client sent for one item."""

    client: int
    item: int
    row: np.ndarray


def uploads_of_clients(seed: int, kind: str, colluding: bool = True) -> Uploads:
    """Benign rows of 6 clients, and rows of 3 malicious ones.

    Args:
        seed: of all draws.
        kind: a name of ``KINDS``.
        colluding: whether malicious clients send one row together, each for some of
            the items, or each its own.
    """
    random = np.random.default_rng(seed)
    plain = KINDS[kind]._replace(tables=())
    uploads = factored_uploads([7, 0, 3, 9], seed, kind=plain)
    chosen = random.random((NUM_ITEMS, 1, MALICIOUS)) < 0.7
    rows = random.normal(size=(NUM_ITEMS, 1 if colluding else MALICIOUS, DIM))
    senders, weight = chosen, chosen.sum(axis=2)
    if not colluding:
        senders, weight = np.eye(MALICIOUS, dtype=bool)[None], chosen[:, 0]
    table = ItemTable(
        jnp.asarray(rows, jnp.float32),
        jnp.asarray(weight, jnp.int32),
        jnp.asarray(senders),
        jnp.asarray(IDS[BENIGN:], jnp.int32),
    )
    clients = IDS[random.integers(BENIGN, size=uploads.vector.size)]
    return grouped(
        uploads._replace(
            client=jnp.asarray(clients, jnp.int32),
            tables=(table,),
            participants=jnp.int32(NUM_ROWS),
        )
    )


def sent_rows(uploads: Uploads) -> list[Row]:
    """Every row of every client, one by one."""
    found, width = [], uploads.rows_per_bundle
    assert uploads.client is not None
    for index in np.flatnonzero(uploads.weight):
        bundle, item = index // width, int(uploads.item[index])
        item_scale = jnp.broadcast_to(uploads.item_scale, uploads.item.shape)[index]
        row = uploads.scale[index] * uploads.vectors[uploads.vector[bundle]]
        row += item_scale * uploads.item_embeddings[item]
        found.append(Row(int(uploads.client[bundle]), item, np.asarray(row)))
    (table,) = uploads.tables
    assert table.senders is not None
    assert table.client is not None
    senders = np.broadcast_to(table.senders, (*table.weight.shape, MALICIOUS))
    for item, number, sender in zip(*np.nonzero(senders), strict=True):
        if table.weight[item, number] > 0:
            client = int(table.client[sender])
            found.append(Row(client, int(item), np.asarray(table.rows[item, number])))
    return found


def without_clients(uploads: Uploads, dropped: np.ndarray) -> Uploads:
    """The uploads as if these clients, bool by id, had sent nothing."""
    (table,) = uploads.tables
    kept_rows = np.repeat(~dropped[np.asarray(uploads.client)], uploads.rows_per_bundle)
    kept = np.asarray(table.senders) & ~dropped[np.asarray(table.client)]
    count = np.broadcast_to(kept.sum(axis=2), table.weight.shape)
    weight = np.where(np.asarray(table.weight) > 0, count, 0)
    return uploads._replace(
        weight=uploads.weight * kept_rows,
        tables=(table._replace(weight=jnp.asarray(weight, jnp.int32)),),
    )
