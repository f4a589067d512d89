"""Benign rows as a baseline's scope has them, and what a baseline makes of them."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import ATTACKS, Knowledge
from jaxfr.attacks.base import malicious_uploads
from jaxfr.attacks.rows import Scope
from jaxfr.uploads import Uploads
from tests.attacks.known import knowledge_of, view_of
from tests.uploads.samples import DIM, KINDS, NUM_ITEMS, random_uploads, received_rows

CLIENTS = 4
EVERYONE = np.ones(CLIENTS, bool)
SOME = np.array([True, False, True, False])

every_scope = pytest.mark.parametrize("scope", ["dense", "sparse"])


def no_server(uploads: Uploads) -> jax.Array:
    """What a white-box attack would be handed."""
    raise AssertionError("only a white-box attack may look at the server")


class Sent(NamedTuple):
    """Malicious rows.

    Attributes:
        rows: float64 ``[m, rows_per_item, d]``.
        weight: ``[m, rows_per_item]``.
        participants: malicious clients that took part.
    """

    rows: np.ndarray
    weight: np.ndarray
    participants: int


def knowledge(clients: int = CLIENTS) -> Knowledge:
    return knowledge_of(range(NUM_ITEMS), clients, DIM)


def benign_uploads(seed: int, participants: int = 150) -> Uploads:
    """Scattered rows and tables; items 2 and 3 of 6 receive nothing.

    No item can receive more than 129 rows.
    """
    uploads = random_uploads(seed, KINDS["tables"])
    return uploads._replace(participants=jnp.int32(participants))


def rows_in_scope(benign: Uploads, scope: Scope) -> list[np.ndarray]:
    """Each item's rows; in the dense scope also those of clients that sent none."""
    return received_rows(benign, absent_as_zeros=scope == "dense")


def moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation, 0 without rows."""
    if len(rows) == 0:
        return np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    return rows.mean(axis=0), rows.std(axis=0)


def expected_weight(benign: Uploads, scope: Scope, item: int) -> int:
    """Rows that one acting client sends an item."""
    return int(scope == "dense" or len(rows_in_scope(benign, "sparse")[item]) > 0)


@functools.partial(jax.jit, static_argnames=("name", "scope"))
def _upload(
    name: str,
    scope: Scope,
    key: jax.Array,
    number: jax.Array,
    acting: jax.Array,
    benign: Uploads,
    options: dict[str, jax.Array],
) -> Uploads:
    attack = ATTACKS[name](scope=scope, **options).make()
    state = attack.init(key, knowledge(acting.size))
    view = view_of(benign.item_embeddings, acting, number)
    return malicious_uploads(attack, state, view, benign, no_server)[0]


def send(
    name: str,
    benign: Uploads,
    scope: Scope = "dense",
    acting: np.ndarray = EVERYONE,
    number: int = 0,
    seed: int = 0,
    **options: float,
) -> Sent:
    """What the malicious clients upload in round ``number``."""
    given = {name: jnp.float32(value) for name, value in options.items()}
    round_number, key = jnp.int32(number), jax.random.key(seed)
    uploads = _upload(
        name, scope, key, round_number, jnp.asarray(acting), benign, given
    )
    assert uploads.item.size == 0
    (table,) = uploads.tables
    return Sent(
        np.asarray(table.rows, np.float64),
        np.asarray(table.weight),
        int(uploads.participants),
    )
