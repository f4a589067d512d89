"""FedAttack against its definition by loops over clients and pairs."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.attacks.fed_attack import hard_pairs
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
from tests.attacks.scopes import every_scope


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
def test_rows_and_embeddings_are_the_definition_in_every_round(scope):
    state = drawn("fed_attack")
    profiles = [pairs_of_profile(state, client) for client in range(CLIENTS)]
    users = np.asarray(state.embedding, np.float64)
    for number, acting in enumerate(ROUNDS):
        items = items_of_round(number)
        sent = send("fed_attack", scope, state, items, acting)
        expected = []
        for client, profile in enumerate(profiles):
            hard = hardest(users[client], items, len(profile))
            expected.append(gradient(users[client], items, hard)[1])
            if acting[client]:
                by_user, _ = gradient(users[client], items, profile)
                users[client] = users[client] - LEARNING_RATE * by_user
        check_rows(sent, scope, acting, expected)
        state = sent.state
        np.testing.assert_allclose(state.embedding, users, rtol=1e-5, atol=1e-6)


def test_profiles_differ_in_size_and_pass_half_of_the_items():
    """So the test above sees items that are positive and negative at once."""
    sizes = np.asarray(drawn("fed_attack").holds).sum(axis=1)
    assert np.unique(sizes).size > 1
    big = hardest(np.ones(3), items_of_round(0), 7)
    assert {j for j, _ in big} & {k for _, k in big}


def test_more_pairs_than_half_of_the_items_are_the_definition():
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


def test_every_item_counts_as_poisoned_and_there_is_no_noise():
    attack, state = attack_named("fed_attack"), drawn("fed_attack")
    poisoned = attack.poisoned_items(state, KNOWLEDGE)
    np.testing.assert_array_equal(poisoned, np.ones((CLIENTS, NUM_ITEMS), bool))
    assert attack.uploaded_noise(state) is None
