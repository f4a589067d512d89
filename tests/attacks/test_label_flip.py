"""LabelFlip against its definition by loops over clients and pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import AttackOptions, RoundView
from jaxfr.attacks.label_flip import label_flip
from jaxfr.devices import spread
from jaxfr.errors import InvalidInputError
from jaxfr.models import fedmf
from tests.attacks.fake_users import (
    CLIENTS,
    KNOWLEDGE,
    LEARNING_RATE,
    NUM_ITEMS,
    ROUNDS,
    Pairs,
    attack_named,
    check_rows,
    drawn,
    gradient,
    items_of_round,
    pairs_of_profile,
    send,
)

EVERYONE = np.ones(CLIENTS, bool)
every_scope = pytest.mark.parametrize("scope", ["dense", "sparse"])


def swapped_pairs(client: int) -> Pairs:
    profile = pairs_of_profile(drawn("label_flip"), client)
    return [(negative, positive) for positive, negative in profile]


@every_scope
def test_rows_and_embeddings_are_the_definition_in_every_round(scope):
    state = drawn("label_flip")
    users = np.asarray(state.embedding, np.float64)
    for number, acting in enumerate(ROUNDS):
        items = items_of_round(number)
        sent = send("label_flip", scope, state, items, acting)
        expected = []
        for client in range(CLIENTS):
            by_user, by_item = gradient(users[client], items, swapped_pairs(client))
            expected.append(by_item)
            if acting[client]:
                users[client] = users[client] - LEARNING_RATE * by_user
        check_rows(sent, scope, acting, expected)
        state = sent.state
        np.testing.assert_allclose(state.embedding, users, rtol=1e-5, atol=1e-6)


def test_who_does_not_act_learns_nothing_and_profiles_stay():
    before = drawn("label_flip")
    acting = ROUNDS[1]
    after = send("label_flip", "dense", before, items_of_round(0), acting).state
    np.testing.assert_array_equal(after.embedding[~acting], before.embedding[~acting])
    assert np.all(np.asarray(after.embedding != before.embedding)[acting])
    np.testing.assert_array_equal(after.holds, before.holds)
    np.testing.assert_array_equal(after.negative, before.negative)


def test_the_embedding_comes_to_prefer_the_negatives():
    state, items = drawn("label_flip"), items_of_round(0)

    def preferred() -> float:
        users = np.asarray(state.embedding)
        margins = [
            users[client] @ (items[positive] - items[negative])
            for client in range(CLIENTS)
            for positive, negative in pairs_of_profile(state, client)
        ]
        return float(np.mean(margins))

    before = preferred()
    for _ in range(10):
        state = send("label_flip", "dense", state, items, EVERYONE).state
    assert preferred() < before - 0.5


def test_the_poisoned_items_are_those_of_the_pairs():
    state = drawn("label_flip")
    found = attack_named("label_flip").poisoned_items(state, KNOWLEDGE)
    expected = np.zeros((CLIENTS, NUM_ITEMS), bool)
    for client in range(CLIENTS):
        for pair in pairs_of_profile(state, client):
            expected[client, list(pair)] = True
    np.testing.assert_array_equal(found, expected)
    sent = send("label_flip", "sparse", state, items_of_round(0), EVERYONE)
    np.testing.assert_array_equal(sent.weight.T, expected)
    assert not expected.all()


def test_there_is_no_noise():
    attack = attack_named("label_flip")
    assert attack.uploaded_noise(drawn("label_flip")) is None


@pytest.mark.parametrize("model", [None, fedmf()._replace(pair_gradients=None)])
def test_a_model_without_gradients_by_pairs_is_refused(model):
    with pytest.raises(InvalidInputError, match="label_flip: needs a model"):
        label_flip(AttackOptions(model=model))


@every_scope
def test_without_malicious_clients_nothing_is_sent(scope):
    attack = attack_named("label_flip", scope)
    nobody = KNOWLEDGE._replace(malicious_clients=0)
    state = attack.init(jax.random.key(0), nobody)
    view = RoundView(jnp.int32(0), jnp.ones((NUM_ITEMS, 3)), jnp.zeros(0, bool))
    uploads, _ = attack.upload(state, view)
    assert uploads.tables[0].rows.shape == (NUM_ITEMS, 0, 3)
    assert uploads.participants == 0


@pytest.mark.parametrize("devices", [2, 3])
def test_devices_share_the_clients(devices):
    attack, state = attack_named("label_flip"), drawn("label_flip")
    view = RoundView(jnp.int32(0), jnp.asarray(items_of_round(0)), jnp.array(EVERYONE))
    alone = jax.jit(attack.upload)(state, view)
    shared = jax.jit(spread(attack.upload, devices))(state, view)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7),
        jax.tree.leaves(alone),
        jax.tree.leaves(shared),
    )
