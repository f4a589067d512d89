"""Clients with one item set share few votes, however many they are."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerKnowledge, ServerView, overlap
from jaxfr.aggregators.stages.overlap import Seen
from jaxfr.uploads import ItemTable, Uploads

CLIENTS, ITEMS, COPIES = 50, 80, 12


def uploads_of_sets(item_sets: np.ndarray, in_a_table: int) -> Uploads:
    """Rows of ones of clients 0, 1, ...; the last ones send theirs in a table."""
    clients, items = item_sets.shape
    benign = clients - in_a_table
    client, item = np.divmod(np.arange(benign * items), items)
    table = ItemTable(
        jnp.ones((items, 1, 1)),
        jnp.asarray(item_sets[benign:].sum(axis=0)[:, None], jnp.int32),
        jnp.asarray(item_sets[benign:].T[:, None]),
        jnp.arange(benign, clients, dtype=jnp.int32),
    )
    return Uploads(
        item=jnp.asarray(item, jnp.int32),
        weight=jnp.asarray(item_sets[:benign].reshape(-1), jnp.int32),
        vector=jnp.zeros(item.size, jnp.int32),
        scale=jnp.ones(item.size),
        item_scale=jnp.zeros(()),
        vectors=jnp.ones((1, 1)),
        item_embeddings=jnp.zeros((items, 1)),
        participants=jnp.int32(clients),
        tables=(table,),
        client=jnp.asarray(client, jnp.int32),
    )


def drawn_sets(seed: int, copies: int = COPIES) -> np.ndarray:
    """Popular and rare items; some last clients have one set; one client has none."""
    random = np.random.default_rng(seed)
    popularity = np.linspace(0.6, 0.02, ITEMS)
    sets = random.random((CLIENTS, ITEMS)) < popularity
    sets[CLIENTS - copies :] = random.random(ITEMS) < 0.3
    sets[3] = False
    return sets


def loop_trust(item_sets: np.ndarray) -> np.ndarray:
    """The definition, client by client, in float64."""
    trust, present = np.ones(len(item_sets)), np.flatnonzero(item_sets.any(axis=1))
    sets = item_sets[present].astype(np.float64)
    received = sets.sum(axis=0)
    z = sets / np.sqrt(np.maximum(received, 1))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    crowd = np.ones(len(sets))
    for i, own in enumerate(sets):
        alike = np.array([z[i] @ z[other] for other in range(len(sets)) if other != i])
        threshold = 2 * np.median(alike) + 2 / own.sum()
        if threshold < 1:
            crowd[i] += np.sum(np.maximum(alike - threshold, 0) / (1 - threshold))
    trust[present] = np.minimum(1, 2 * np.median(crowd) / crowd)
    return trust


@functools.partial(jax.jit, static_argnames="stage")
def compared(stage, item_sets: Uploads, seen=None, round_number=0):
    """The stage's trust in each client after a round, and its state."""
    made = stage.make()
    state = made.init(ServerKnowledge(CLIENTS, ITEMS, 1)) if seen is None else seen
    view = ServerView(
        jnp.asarray(round_number), jnp.int32(0), jnp.zeros((ITEMS, 1)), CLIENTS
    )
    uploads, state = made.update(state, item_sets, view)
    return uploads.client_trust, state


def trust_in(stage, item_sets: np.ndarray) -> np.ndarray:
    return np.asarray(compared(stage, uploads_of_sets(item_sets, COPIES))[0])


@pytest.mark.parametrize("seed", range(4))
def test_trust_is_that_of_the_definition(seed):
    item_sets = drawn_sets(seed)
    expected = loop_trust(item_sets)
    assert np.any(expected < 0.5)
    np.testing.assert_allclose(trust_in(overlap(), item_sets), expected, rtol=1e-4)


@pytest.mark.parametrize("copies", [6, 12, 20])
def test_copies_share_some_votes_and_honest_clients_keep_theirs(copies):
    item_sets = drawn_sets(5, copies)
    trust = np.asarray(compared(overlap(), uploads_of_sets(item_sets, copies))[0])
    assert trust[-copies:].sum() < 3.5
    assert trust[:-copies].min() > 0.9


def test_clients_with_two_items_are_never_a_crowd():
    """The threshold that their chance similarity asks for is all of it."""
    item_sets = drawn_sets(6)
    item_sets[-COPIES:] = np.arange(ITEMS) < 2
    assert np.all(trust_in(overlap(), item_sets)[-COPIES:] == 1)


@pytest.mark.parametrize("columns", [1024, 4096])
def test_sketches_find_nearly_what_the_item_sets_say(columns):
    """All the more with many columns; where items do not meet, all of it."""
    item_sets = drawn_sets(7)
    found, exact = trust_in(overlap(columns), item_sets), loop_trust(item_sets)
    np.testing.assert_allclose(found, exact, atol=8 * columns**-0.5)


def test_few_peers_find_the_crowd_that_all_find():
    """Half of the clients in each turn; the copies stand at the end of the ids."""
    item_sets = drawn_sets(8, 24)
    order = np.random.default_rng(0).permutation(CLIENTS)
    uploads = uploads_of_sets(item_sets[order], 0)
    trust = np.asarray(compared(overlap(peers=25), uploads)[0])
    copies = order >= CLIENTS - 24
    assert trust[copies].max() < 0.35
    assert trust[~copies].min() > 0.9


def test_all_clients_as_peers_is_the_exact_form():
    item_sets = drawn_sets(9)
    with_peers = trust_in(overlap(peers=CLIENTS), item_sets)
    np.testing.assert_allclose(with_peers, trust_in(overlap(), item_sets), rtol=1e-6)


def test_item_sets_are_compared_when_they_change_and_it_is_their_turn():
    honest, hostile = drawn_sets(10, 0), drawn_sets(10)
    honest, hostile = (uploads_of_sets(one, COPIES) for one in (honest, hostile))
    stage = overlap(every=3)
    before, seen = compared(stage, honest, None, 0)
    waiting, seen = compared(stage, hostile, seen, 1)
    np.testing.assert_array_equal(waiting, before)
    after, seen = compared(stage, hostile, seen, 3)
    assert after[-COPIES:].max() < 0.35 < 0.9 < before.min()
    # What it remembers is not computed anew while item sets stay.
    mark = Seen(seen.item_sets, seen.trust.at[0].set(0.125))
    assert compared(stage, hostile, mark, 6)[0][0] == 0.125
    assert compared(stage, honest, mark, 6)[0][0] != 0.125
