"""LabelFlip against its definition by loops over clients and pairs."""

import numpy as np

from tests.attacks.fake_users import (
    CLIENTS,
    EVERYONE,
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
from tests.attacks.scopes import every_scope


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
