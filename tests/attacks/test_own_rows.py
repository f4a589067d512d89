"""Rows that each malicious client draws for itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import ATTACKS
from jaxfr.attacks.rows import attacked_items, own_rows
from jaxfr.devices import AXIS
from tests.attacks.known import view_of
from tests.attacks.scopes import (
    CLIENTS,
    EVERYONE,
    SOME,
    benign_uploads,
    every_scope,
    expected_weight,
    knowledge,
    send,
    some_clients,
)
from tests.uploads.samples import DIM, NUM_ITEMS

OWN_ROWS = ["gaussian", "fang", "fang_full_knowledge"]
own_rows_only = pytest.mark.parametrize("name", OWN_ROWS)
every_baseline = pytest.mark.parametrize("name", [*OWN_ROWS, "lie"])

SCALE = jnp.arange(1.0, NUM_ITEMS + 1)


def drawn(key: jax.Array, scale: jax.Array) -> jax.Array:
    return scale * jax.random.normal(key, (DIM,))


@functools.partial(jax.jit, static_argnames="clients")
def draw(clients: int = CLIENTS, number: int = 0, seed: int = 0) -> jax.Array:
    view = view_of(jnp.zeros((NUM_ITEMS, DIM)), jnp.ones(clients, bool), number)
    return own_rows(drawn, jax.random.key(seed), view, SCALE)


def test_a_draw_follows_from_key_round_client_and_item():
    found = draw(number=3, seed=2)
    assert found.shape == (NUM_ITEMS, CLIENTS, DIM)
    for item in range(NUM_ITEMS):
        for client in range(CLIENTS):
            key = jax.random.key(2)
            for number in (3, client, item):
                key = jax.random.fold_in(key, number)
            expected = (item + 1.0) * jax.random.normal(key, (DIM,))
            np.testing.assert_allclose(found[item, client], expected, rtol=1e-6)


def test_no_two_draws_are_the_same():
    unit = np.stack(
        [draw(number=number, seed=seed) for number in (0, 1) for seed in (0, 1)]
    )
    unit = (unit / np.asarray(SCALE)[:, None, None]).round(5)
    assert np.unique(unit).size == unit.size


def test_more_room_for_clients_changes_nothing_for_those_already_there():
    np.testing.assert_array_equal(draw(clients=7)[:, :3], draw(clients=3))


def test_without_room_for_clients_there_are_no_rows():
    assert draw(clients=0).shape == (NUM_ITEMS, 0, DIM)


@pytest.mark.parametrize("devices", [4])
def test_devices_that_share_the_work_draw_the_rows_of_one(devices):
    assert NUM_ITEMS % 4 != 0
    shared = jax.vmap(lambda _: draw(), axis_name=AXIS)(jnp.arange(devices))
    for found in shared:
        np.testing.assert_array_equal(found, draw())


def test_the_dense_scope_attacks_all_items_and_the_sparse_one_those_with_rows():
    received = jnp.array([2, 0, 1])
    np.testing.assert_array_equal(attacked_items("dense", received), [True] * 3)
    np.testing.assert_array_equal(
        attacked_items("sparse", received), [True, False, True]
    )


# --- whole attacks ---


@every_scope
@some_clients
@own_rows_only
def test_each_acting_client_sends_one_row_to_each_attacked_item(name, acting, scope):
    benign = benign_uploads(0)
    sent = send(name, benign, scope, acting)
    assert sent.weight.shape == (NUM_ITEMS, CLIENTS)
    assert sent.participants == acting.sum()
    for item in range(NUM_ITEMS):
        expected = expected_weight(benign, scope, item) * acting
        np.testing.assert_array_equal(sent.weight[item], expected)


def test_the_two_scopes_attack_different_items():
    weights = [
        [expected_weight(benign_uploads(0), scope, item) for item in range(NUM_ITEMS)]
        for scope in ("dense", "sparse")
    ]
    assert weights == [[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 1, 1]]


@every_scope
@own_rows_only
def test_who_acts_and_how_much_room_there_is_changes_no_row(name, scope):
    benign = benign_uploads(1)
    rows = send(name, benign, scope, EVERYONE).rows
    np.testing.assert_array_equal(send(name, benign, scope, SOME).rows, rows)
    more = send(name, benign, scope, np.ones(CLIENTS + 3, bool)).rows
    np.testing.assert_array_equal(more[:, :CLIENTS], rows)


@every_scope
@own_rows_only
def test_clients_rounds_and_seeds_have_rows_of_their_own(name, scope):
    benign = benign_uploads(2)
    first = send(name, benign, scope).rows
    items = np.array([0, 1, 4, 5])
    if (name, scope) == ("fang_full_knowledge", "dense"):
        items = items[:0]  # extremes are often the zeros of absent clients
    clients = np.moveaxis(first[items], 1, 0)
    assert all(np.all(clients[0] != other) for other in clients[1:])
    for other in (
        send(name, benign, scope, number=1),
        send(name, benign, scope, number=200),
        send(name, benign, scope, seed=1),
    ):
        assert np.all(other.rows[items] != first[items])
        assert np.any(other.rows != first)


@every_baseline
def test_an_item_without_rows_has_zeros_as_statistics_and_malicious_rows(name):
    sent = send(name, benign_uploads(3), "dense")
    assert np.all(sent.weight[2:4] > 0)
    np.testing.assert_array_equal(sent.rows[2:4], 0)


@every_scope
@every_baseline
def test_nothing_sent_at_all_makes_no_nan(name, scope):
    benign = benign_uploads(4)
    nothing = benign._replace(
        weight=jnp.zeros_like(benign.weight), tables=(), participants=jnp.int32(0)
    )
    sent = send(name, nothing, scope)
    np.testing.assert_array_equal(sent.rows, 0)


@every_baseline
def test_every_client_may_poison_all_items_and_there_is_no_noise(name):
    attack = ATTACKS[name]().make()
    state = attack.init(jax.random.key(0), knowledge())
    poisoned = attack.poisoned_items(state, knowledge())
    np.testing.assert_array_equal(poisoned, np.ones((CLIENTS, NUM_ITEMS), bool))
    assert attack.uploaded_noise(state) is None
