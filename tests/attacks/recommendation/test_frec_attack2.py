"""FRecAttack2: its rows, from virtual users drawn as it draws them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import LimitedAttack, frec_attack2
from jaxfr.parts import Part
from tests.attacks.known import view_of
from tests.attacks.recommendation.test_pair_gradients import (
    CLIENTS,
    DIM,
    KNOWLEDGE,
    LEARNING_RATE,
    NUM_ITEMS,
    REGULARIZATION,
    TASK,
    hardest,
    items_of_round,
    pairs_of_profile,
)
from tests.models.plain_fedmf import gradient

ACTING = np.array([True, False, True, True])


@jax.jit
def send(attack: Part, state, items: jax.Array, number: jax.Array):
    return attack.make().upload(state, view_of(items, ACTING, number, task=TASK))


@pytest.mark.parametrize(
    "attack", [frec_attack2(0.3, 2.0, 3), frec_attack2(0.7, 0.0, 1)], ids=str
)
def test_rows_are_the_mean_gradient_of_virtual_users_hardest_pairs(attack):
    made, number = attack.make(), 2
    assert isinstance(made, LimitedAttack)
    state = made.init(jax.random.key(1), KNOWLEDGE)
    users = np.random.default_rng(4).normal(size=(CLIENTS, DIM)).astype(np.float32)
    profiles = state.profiles._replace(embedding=jnp.asarray(users))
    items = items_of_round(0)
    uploads, after = send(
        attack, state._replace(profiles=profiles), jnp.asarray(items), number
    )
    (table,) = uploads.tables
    count = int(attack.hardest * NUM_ITEMS)
    round_key = jax.random.fold_in(state.key, number)
    for client in range(CLIENTS):
        key = jax.random.fold_in(round_key, client)
        noise = jax.random.normal(key, (attack.virtual_users, DIM))
        virtual = users[client] + attack.variance**0.5 * np.asarray(noise, np.float64)
        rows = np.zeros((NUM_ITEMS, DIM))
        sent = np.zeros(NUM_ITEMS, bool)
        for user in virtual:
            pairs = hardest(user, items, count)
            for item, row in gradient(user, items, pairs, REGULARIZATION)[1].items():
                rows[item] += row / len(virtual)
                sent[item] = True
        np.testing.assert_array_equal(table.weight[:, client], sent & ACTING[client])
        np.testing.assert_allclose(
            np.asarray(table.rows)[sent, client], rows[sent], rtol=1e-4, atol=1e-5
        )
        learned = users[client].astype(np.float64)
        if ACTING[client]:
            honest = pairs_of_profile(profiles, client)
            by_user = gradient(learned, items, honest, REGULARIZATION)[0]
            learned = learned - LEARNING_RATE * by_user
        found = after.profiles.embedding[client]
        np.testing.assert_allclose(found, learned, rtol=1e-5, atol=1e-6)
