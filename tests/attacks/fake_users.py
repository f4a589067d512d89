"""What attacks with fake profiles upload and learn, by plain loops in float64."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import ATTACKS, LimitedAttack, Task
from jaxfr.attacks.fake_profiles import FakeProfile
from jaxfr.attacks.rows import Scope
from jaxfr.models import fedmf
from tests.attacks.known import knowledge_of, view_of

NUM_ITEMS, DIM, CLIENTS = 11, 3, 4
LEARNING_RATE, REGULARIZATION = 0.3, 0.2
TASK = Task(fedmf(DIM).make(), LEARNING_RATE, REGULARIZATION)

# The last two items never occur. One user has more than half of the items.
KNOWLEDGE = knowledge_of(
    [9, 7, 7, 5, 4, 3, 2, 1, 1, 0, 0], CLIENTS, DIM, activity=[2, 3, 4, 7], task=TASK
)

# Who acts, round by round.
ROUNDS = np.array(
    [[True] * 4, [True, False, True, False], [False] * 4, [False, True, True, True]]
)

EVERYONE = np.ones(CLIENTS, bool)

Pairs = list[tuple[int, int]]


class Sent(NamedTuple):
    """A round's uploads, and the state behind it.

    Attributes:
        rows: ``[m, malicious_clients, d]``.
        weight: ``[m, malicious_clients]``.
        participants: clients that acted.
        state: after the round.
    """

    rows: np.ndarray
    weight: np.ndarray
    participants: int
    state: FakeProfile


def attack_named(name: str, scope: Scope = "dense") -> LimitedAttack:
    attack = ATTACKS[name](scope=scope).make()
    assert isinstance(attack, LimitedAttack)
    return attack


@functools.partial(jax.jit, static_argnames=("name", "scope"))
def _send(
    name: str, scope: Scope, state: FakeProfile, items: jax.Array, acting: jax.Array
):
    view = view_of(items, acting, task=TASK)
    return attack_named(name, scope).upload(state, view)


def send(
    name: str, scope: Scope, state: FakeProfile, items: np.ndarray, acting: np.ndarray
) -> Sent:
    """One round of an attack."""
    uploads, state = _send(name, scope, state, jnp.asarray(items), jnp.asarray(acting))
    assert uploads.item.size == 0
    (table,) = uploads.tables
    return Sent(
        np.asarray(table.rows),
        np.asarray(table.weight),
        int(uploads.participants),
        state,
    )


@functools.cache
def drawn(name: str) -> FakeProfile:
    """The profiles; embeddings larger than the package's, so that they matter."""
    state = attack_named(name).init(jax.random.key(3), KNOWLEDGE)
    embedding = np.random.default_rng(4).normal(size=(CLIENTS, DIM))
    return state._replace(embedding=jnp.asarray(embedding, jnp.float32))


def items_of_round(number: int) -> np.ndarray:
    """Item embeddings, others in every round."""
    random = np.random.default_rng(100 + number)
    return random.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)


def pairs_of_profile(state: FakeProfile, client: int) -> Pairs:
    """A client's items, each with its negative."""
    holds, negative = np.asarray(state.holds[client]), np.asarray(state.negative)
    return [(int(j), int(negative[client, j])) for j in np.flatnonzero(holds)]


def gradient(
    user: np.ndarray, items: np.ndarray, pairs: Pairs
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Of the BPR loss of pairs (positive, negative): by the user, and by each item."""
    items = items.astype(np.float64)
    by_user = REGULARIZATION * user
    by_item = {j: REGULARIZATION * items[j] for pair in pairs for j in pair}
    for j, k in pairs:
        slope = -1 / (1 + np.exp(user @ items[j] - user @ items[k]))
        by_user = by_user + slope * (items[j] - items[k])
        by_item[j] = by_item[j] + slope * user
        by_item[k] = by_item[k] - slope * user
    return by_user, by_item


def check_rows(
    sent: Sent,
    scope: Scope,
    acting: np.ndarray,
    expected: list[dict[int, np.ndarray]],
) -> None:
    """Compares a round with the rows that each client is to send, item by item."""
    assert sent.rows.shape == (NUM_ITEMS, CLIENTS, DIM)
    assert sent.participants == acting.sum()
    for client, rows in enumerate(expected):
        for j in range(NUM_ITEMS):
            sends = acting[client] and (scope == "dense" or j in rows)
            assert sent.weight[j, client] == int(sends), (j, client)
            if sends:
                row = rows.get(j, np.zeros(DIM))
                np.testing.assert_allclose(
                    sent.rows[j, client], row, rtol=1e-5, atol=1e-6
                )
