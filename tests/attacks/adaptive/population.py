"""A few benign clients with item sets of their own, and what attackers send to them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import Attack, Knowledge, Task
from jaxfr.attacks.base import AttackState, malicious_uploads
from jaxfr.models import fedmf
from jaxfr.parts import Part
from jaxfr.uploads import Uploads, uploads_of
from tests.attacks.known import knowledge_of, view_of
from tests.attacks.scopes import no_server

NUM_ITEMS, BENIGN, MALICIOUS, DIM = 12, 9, 5, 3
REGULARIZATION = 0.2
TASK = Task(fedmf(DIM).make(), 0.1, REGULARIZATION)
POPULARITY = np.array([3, 9, 1, 7, 2, 5, 8, 0, 4, 6, 1, 2])
EVERYONE = np.ones(MALICIOUS, bool)
SOME = np.array([True, False, True, True, False])


class Population(NamedTuple):
    """What benign clients sent.

    Attributes:
        uploads: as an attacker sees it.
        rows: float64 ``[m, n, d]``.
        sent: who sent a row for what, ``[m, n]``.
        items: item embeddings, float64 ``[m, d]``.
    """

    uploads: Uploads
    rows: np.ndarray
    sent: np.ndarray
    items: np.ndarray

    @property
    def sums(self) -> np.ndarray:
        """Of each item's rows, ``[m, d]``."""
        return np.sum(self.rows * self.sent[..., None], axis=1)

    @property
    def norm(self) -> float:
        """The median over clients of their mean row norm."""
        norms = np.linalg.norm(self.rows, axis=2)
        clients = zip(norms.T, self.sent.T, strict=True)
        return float(np.median([norm[sent].mean() for norm, sent in clients]))

    @property
    def row_count(self) -> int:
        """The median over clients of how many rows they sent, rounded down."""
        return int(np.median(self.sent.sum(axis=0)))


class Sent(NamedTuple):
    """What malicious clients sent.

    Attributes:
        rows: float64 ``[m, rows_per_item, d]``.
        sends: by whom, ``[m, rows_per_item, malicious_clients]``.
        state: the attack's, before the round.
        after: and after it.
        uploads: all of it.
    """

    rows: np.ndarray
    sends: np.ndarray
    state: AttackState
    after: AttackState
    uploads: Uploads


def population(seed: int, without: tuple[int, ...] = (7,)) -> Population:
    """Every client sent rows for three to ten items; some items received none."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(NUM_ITEMS, BENIGN, DIM)).astype(np.float32)
    rows *= random.uniform(0.5, 2.0, size=(BENIGN, 1)).astype(np.float32)
    sent = np.zeros((NUM_ITEMS, BENIGN), bool)
    others = np.delete(np.arange(NUM_ITEMS), without)
    for client in range(BENIGN):
        sent[random.choice(others, random.integers(3, 11), replace=False), client] = 1
    items = (0.1 * random.normal(size=(NUM_ITEMS, DIM))).astype(np.float32)
    uploads = uploads_of(rows)._replace(
        weight=jnp.asarray(sent.reshape(-1), jnp.int32),
        item_embeddings=jnp.asarray(items),
    )
    return Population(uploads, rows.astype(np.float64), sent, items.astype(np.float64))


def known() -> Knowledge:
    return knowledge_of(POPULARITY, MALICIOUS, DIM, activity=[3] * BENIGN, task=TASK)


@jax.jit
def start(attack: Part[Attack]) -> AttackState:
    return attack.make().init(jax.random.key(3), known())


@jax.jit
def _upload(
    attack: Part[Attack],
    state: AttackState,
    acting: jax.Array,
    number: jax.Array,
    benign: Uploads,
) -> tuple[Uploads, AttackState]:
    view = view_of(benign.item_embeddings, acting, number, TASK, BENIGN)
    return malicious_uploads(attack.make(), state, view, benign, no_server)


def send(
    attack: Part[Attack],
    seen: Population,
    acting: np.ndarray = EVERYONE,
    number: int = 0,
    state: AttackState | None = None,
) -> Sent:
    """What they send in a round; by default from their start."""
    if state is None:
        state = start(attack)
    arguments = state, jnp.asarray(acting), jnp.int32(number), seen.uploads
    uploads, after = _upload(attack, *arguments)
    assert uploads.item.size == 0
    assert uploads.participants == acting.sum()
    rows, weights, senders = [], [], []
    for table in uploads.tables:
        rows.append(np.asarray(table.rows, np.float64))
        weights.append(np.asarray(table.weight))
        shape = (*table.weight.shape, MALICIOUS)
        senders.append(np.broadcast_to(np.asarray(table.senders), shape))
    sends = np.concatenate(senders, axis=1)
    weight = np.concatenate(weights, axis=1)
    sends = sends & (weight > 0)[..., None]
    np.testing.assert_array_equal(weight, sends.sum(axis=2))
    assert not sends[..., ~acting].any()
    return Sent(np.concatenate(rows, axis=1), sends, state, after, uploads)
