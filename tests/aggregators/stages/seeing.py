"""What a stage that sees clients makes of a few rounds, and of whose rows."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators import ServerKnowledge, ServerView, Stage
from jaxfr.devices import OWN, spread
from jaxfr.devices import WHOLE as ALL
from jaxfr.parts import Part
from jaxfr.uploads import Uploads, item_sums
from jaxfr.uploads.clients import map_rows, sum_by_client
from jaxfr.uploads.norms import row_norm
from tests.aggregators.defended import CLIENTS, sent_rows
from tests.aggregators.samples import DIM, NUM_ITEMS
from tests.uploads.samples import on_devices

ROUNDS = 5
KNOWLEDGE = ServerKnowledge(CLIENTS, NUM_ITEMS, DIM)
LAST = np.random.default_rng(9).normal(size=(NUM_ITEMS, DIM)).astype(np.float32)


class Outcome(NamedTuple):
    """What a stage leaves of the last of some rounds.

    Attributes:
        trust: in each client.
        norms: of each client's rows, summed.
        sums: of each item's rows.
    """

    trust: jax.Array
    norms: jax.Array
    sums: jax.Array


def outcome(
    stage: Part[Stage], uploads: Uploads, rounds: int = ROUNDS, byzantine: int = 2
) -> Outcome:
    """Runs a stage on the same uploads for some rounds."""
    return _run(stage, uploads, rounds, jnp.int32(byzantine))


@functools.partial(jax.jit, static_argnames=("rounds",))
def _run(
    stage: Part[Stage], uploads: Uploads, rounds: int, byzantine: jax.Array
) -> Outcome:
    made = stage.make()
    state, left = made.init(KNOWLEDGE), uploads
    for number in range(rounds):
        last = jnp.asarray(LAST if number > 0 else np.zeros_like(LAST))
        view = ServerView(jnp.int32(number), byzantine, last, CLIENTS)
        left, state = made.update(state, uploads, view)
    trust = jnp.ones(CLIENTS) if left.client_trust is None else left.client_trust
    norms = sum_by_client(left, map_rows(row_norm, left), CLIENTS)
    return Outcome(trust, norms, item_sums(left))


def trust_by_round(stage: Part[Stage], rounds: list[Uploads]) -> list[np.ndarray]:
    """The trust in each client after each of some rounds, in which uploads differ."""
    made = stage.make()
    state, found = made.init(KNOWLEDGE), []
    for number, uploads in enumerate(rounds):
        last = jnp.zeros((NUM_ITEMS, DIM))
        view = ServerView(jnp.int32(number), jnp.int32(0), last, CLIENTS)
        uploads, state = made.update(state, uploads, view)
        found.append(np.asarray(uploads.client_trust))
    return found


def outcome_over_devices(
    stage: Part[Stage], uploads: Uploads, devices: int = 2
) -> Outcome:
    """The same, each device having a part of the clients."""
    assert uploads.client is not None
    missing = -uploads.vector.size % devices
    client = jnp.pad(uploads.client, (0, missing)).reshape(devices, -1)
    parts = on_devices(uploads._replace(groups=()), devices)._replace(client=client)

    def on_one(parts: Uploads) -> Outcome:
        own = jax.tree.map(lambda leaf: leaf[0], parts)
        return _run(stage, own, ROUNDS, jnp.int32(2))

    return jax.jit(spread(on_one, devices, (OWN,), ALL))(parts)


class Client(NamedTuple):
    """What one client sent, in float64.

    Attributes:
        id: its id.
        items: of its rows.
        rows: ``[rows, d]``.
    """

    id: int
    items: np.ndarray
    rows: np.ndarray


def clients_of(uploads: Uploads) -> Iterator[Client]:
    """Those that sent a row."""
    sent = sent_rows(uploads)
    for number in sorted({row.client for row in sent}):
        own = [row for row in sent if row.client == number]
        rows = np.array([row.row for row in own], np.float64)
        yield Client(number, np.array([row.item for row in own]), rows)


def all_that_was_sent(uploads: Uploads) -> tuple[np.ndarray, np.ndarray]:
    """Who sent a row, and of each of them all numbers, ``[clients, m d]``, float64."""
    ids, vectors = [], []
    for client in clients_of(uploads):
        sent = np.zeros(uploads.item_embeddings.shape)
        np.add.at(sent, client.items, client.rows)
        ids.append(client.id)
        vectors.append(sent.reshape(-1))
    return np.array(ids), np.array(vectors)
