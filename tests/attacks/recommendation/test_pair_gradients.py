"""LabelFlip and FedAttack: gradients of fake profiles, by plain loops in float64."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.attacks import ATTACKS, LimitedAttack, Task
from jaxfr.attacks.recommendation.fake_profiles import FakeProfile
from jaxfr.attacks.recommendation.fed_attack import hard_pairs
from jaxfr.attacks.rows import Scope
from jaxfr.models import fedmf
from tests.attacks.known import knowledge_of, view_of
from tests.attacks.scopes import every_scope
from tests.models.plain_fedmf import gradient

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
    arrays = np.asarray(table.rows), np.asarray(table.weight)
    return Sent(*arrays, int(uploads.participants), state)


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


def hardest(user: np.ndarray, items: np.ndarray, count: int) -> Pairs:
    """The lowest as positives with the highest as negatives, taken off one by one."""
    scores = {j: float(user @ items[j].astype(np.float64)) for j in range(NUM_ITEMS)}
    upwards, downwards = dict(scores), dict(scores)
    pairs = []
    for _ in range(count):
        lowest = min(upwards, key=lambda j: upwards[j])
        highest = max(downwards, key=lambda j: downwards[j])
        del upwards[lowest], downwards[highest]
        pairs.append((lowest, highest))
    return pairs


@every_scope
@pytest.mark.parametrize("name", ["label_flip", "fed_attack"])
def test_rows_and_embeddings_are_the_definition_in_every_round(name, scope):
    state = drawn(name)
    profiles = [pairs_of_profile(state, client) for client in range(CLIENTS)]
    users = np.asarray(state.embedding, np.float64)
    for number, acting in enumerate(ROUNDS):
        items = items_of_round(number)
        sent = send(name, scope, state, items, acting)
        expected = []
        for client, profile in enumerate(profiles):
            if name == "label_flip":
                uploaded = learned = [(k, j) for j, k in profile]
            else:
                uploaded = hardest(users[client], items, len(profile))
                learned = profile
            expected.append(gradient(users[client], items, uploaded, REGULARIZATION)[1])
            if acting[client]:
                by_user, _ = gradient(users[client], items, learned, REGULARIZATION)
                users[client] = users[client] - LEARNING_RATE * by_user
        check_rows(sent, scope, acting, expected)
        state = sent.state
        np.testing.assert_allclose(state.embedding, users, rtol=1e-5, atol=1e-6)


def test_label_flip_poisons_the_items_of_the_pairs():
    state = drawn("label_flip")
    found = attack_named("label_flip").poisoned_items(state, KNOWLEDGE)
    expected = np.zeros((CLIENTS, NUM_ITEMS), bool)
    for client in range(CLIENTS):
        for pair in pairs_of_profile(state, client):
            expected[client, list(pair)] = True
    np.testing.assert_array_equal(found, expected)
    assert not expected.all()


# --- FedAttack's pairs ---


def test_more_pairs_than_half_of_the_items_are_the_definition():
    """So some items are positive and negative at once."""
    user, items = np.ones(3), items_of_round(0)
    scores = jnp.asarray(items @ user, jnp.float32)
    for count in range(NUM_ITEMS + 1):
        positive, negative, present = map(
            np.asarray, hard_pairs(scores, jnp.int32(count))
        )
        found = list(zip(positive[present], negative[present], strict=True))
        assert found == hardest(user, items, count)


@settings(max_examples=50)
@given(
    scores=st.lists(st.integers(-3, 3), min_size=6, max_size=6),
    count=st.integers(0, 6),
)
def test_ties_too_are_split_into_distinct_items_in_order_of_score(scores, count):
    values = np.array(scores, np.float32)
    pairs = hard_pairs(jnp.asarray(values), jnp.int32(count))
    positive, negative, present = map(np.asarray, pairs)
    positive, negative = positive[present], negative[present]
    assert present.sum() == np.unique(positive).size == np.unique(negative).size
    ascending = np.sort(values)
    np.testing.assert_array_equal(values[positive], ascending[:count])
    np.testing.assert_array_equal(values[negative], ascending[::-1][:count])
