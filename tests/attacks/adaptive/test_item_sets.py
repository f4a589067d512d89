"""Copied item sets, groups among camouflage, and sleepers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerView, realisable
from jaxfr.attacks import ATTACKS, copied_profiles, copied_sets, groups, sleeper
from jaxfr.uploads import Uploads, append_tables, item_sums
from tests.attacks.adaptive.population import (
    BENIGN,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    POPULARITY,
    REGULARIZATION,
    SOME,
    known,
    population,
    send,
    start,
)
from tests.attacks.adaptive.test_allowance import TAIL, opposite, towards_users
from tests.models.plain_fedmf import gradient


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
def test_copied_sets_invert_the_items_of_honest_clients(seed, acting):
    seen = population(seed)
    sent = send(copied_sets(), seen, acting)
    copied = np.asarray(sent.state)
    assert np.unique(copied).size == MALICIOUS
    np.testing.assert_array_equal(sent.sends[:, 0], seen.sent[:, copied] & acting)
    expected, sends = opposite(seen), sent.sends.any(axis=(1, 2))
    np.testing.assert_allclose(sent.rows[sends, 0], expected[sends], rtol=1e-4)


def test_where_there_are_more_copies_than_clients_each_client_is_copied():
    many = known()._replace(malicious_clients=BENIGN + 2)
    copied = np.asarray(copied_sets().make().init(jax.random.key(0), many))
    assert np.unique(copied[:BENIGN]).size == BENIGN
    np.testing.assert_array_equal(copied[BENIGN:], copied[:2])


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
def test_copied_profiles_are_the_best_of_one_direction_for_copied_sets(seed, acting):
    seen = population(seed)
    sent = send(copied_profiles(), seen, acting)
    regular = REGULARIZATION * seen.items
    copied = np.asarray(sent.state)
    for client in np.flatnonzero(acting):
        held = seen.sent[:, copied[client]]
        np.testing.assert_array_equal(sent.sends[:, client, client], held)
        wanted = opposite(seen)[held] / seen.norm
        wanted -= wanted.mean(axis=0)
        direction = np.linalg.svd(wanted)[2][0]
        part = wanted @ direction
        sign = np.sign(np.argsort(np.argsort(part)) - (part.size - 1) / 2)
        norm = seen.norm - np.linalg.norm(regular, axis=1).max()
        expected = norm * sign[:, None] * direction + regular[held]
        np.testing.assert_allclose(sent.rows[held, client], expected, atol=1e-4)


def test_copied_profiles_pass_realisable_as_they_are():
    seen = population(0)
    benign, sent = seen.uploads, send(copied_profiles(), seen).uploads
    clients = jnp.arange(MALICIOUS) + BENIGN
    named = sent._replace(tables=(sent.tables[0]._replace(client=clients),))
    last = jnp.zeros_like(benign.item_embeddings)
    number = BENIGN + MALICIOUS
    view = ServerView(jnp.int32(0), jnp.int32(0), last, number, REGULARIZATION)

    def kept(uploads: Uploads) -> jax.Array:
        return item_sums(realisable().make().update((), uploads, view)[0])

    np.testing.assert_allclose(
        kept(append_tables(benign, named)) - kept(benign), item_sums(sent), atol=1e-4
    )


# --- groups ---


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
@pytest.mark.parametrize("attack", [groups(2, 0.5), groups(1, 0.0), groups(9, 1.0)])
def test_groups_promote_targets_and_send_decoys_what_they_learn(seed, acting, attack):
    seen = population(seed)
    sent = send(attack, seen, acting)
    targets = max(1, int(attack.share * seen.row_count))
    tail = np.argsort(np.asarray(sent.state.places.tail))[:TAIL]
    own = np.zeros((NUM_ITEMS, MALICIOUS), bool)
    others = np.zeros_like(own)
    for turn, client in enumerate(np.flatnonzero(acting)):
        first = (turn % attack.number) * targets
        own[tail[first : first + targets], client] = True
        order = np.argsort(np.asarray(sent.state.decoy[client]))
        others[order[: seen.row_count - targets], client] = True
    np.testing.assert_array_equal(sent.sends[:, 0], own)
    np.testing.assert_array_equal(sent.sends[:, 1], others & ~own)
    row = -seen.norm * towards_users(seen, sent.state.places)
    np.testing.assert_allclose(
        sent.rows[own.any(axis=1), 0], np.tile(row, (own.any(axis=1).sum(), 1)), 1e-4
    )
    decoys = sent.sends[:, 1].any(axis=1)
    np.testing.assert_allclose(sent.rows[decoys, 1], -opposite(seen)[decoys], 1e-4)
    assert sent.sends.sum(axis=(0, 1)).max() <= seen.row_count


@pytest.mark.parametrize("decoys", ["popular", "uniform"])
def test_every_client_draws_decoys_of_its_own(decoys):
    order = np.asarray(start(groups(decoys=decoys)).decoy)
    np.testing.assert_array_equal(np.sort(order), np.tile(np.arange(NUM_ITEMS), (5, 1)))
    assert np.unique(order, axis=0).shape[0] == MALICIOUS
    last = order[:, POPULARITY == 0] == NUM_ITEMS - 1
    assert last.all() == (decoys == "popular")


# --- sleepers ---


def honest_rows(
    state, client: int | np.intp, items: np.ndarray
) -> dict[int, np.ndarray]:
    profile = state.profiles
    pairs = [
        (int(j), int(profile.negative[client, j]))
        for j in np.flatnonzero(np.asarray(profile.holds[client]))
    ]
    user = np.asarray(profile.embedding[client], np.float64)
    return gradient(user, items, pairs, REGULARIZATION)[1]


def test_sleepers_send_honest_gradients_before_they_wake():
    seen = population(0)
    sent = send(sleeper(until=4), seen, SOME, number=3)
    assert not sent.sends[:, 0].any()
    for client in np.flatnonzero(SOME):
        rows = honest_rows(sent.state, client, seen.items)
        for item in range(NUM_ITEMS):
            place = 1 + client
            assert sent.sends[item, place, client] == (item in rows)
            if item in rows:
                np.testing.assert_allclose(
                    sent.rows[item, place], rows[item], rtol=1e-4, atol=1e-6
                )


@pytest.mark.parametrize("attack", [sleeper(4), sleeper(4, "copied_sets")], ids=str)
def test_sleepers_that_wake_send_what_the_other_attack_sends(attack):
    seen = population(0)
    sent = send(attack, seen, SOME, number=4)
    then = ATTACKS[attack.then]()
    other = send(then, seen, SOME, number=4, state=sent.state.attack)
    assert not sent.sends[:, 1:].any()
    np.testing.assert_array_equal(sent.sends[:, :1], other.sends)
    np.testing.assert_array_equal(sent.rows[:, :1], other.rows)
