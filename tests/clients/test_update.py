"""All clients' rounds at once, against one client after the other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxfr.clients.batch import make_batch
from jaxfr.clients.layout import plan_clients
from jaxfr.clients.update import ClientState, update_clients
from jaxfr.data.dataset import Dataset
from jaxfr.models.fedmf import fedmf
from jaxfr.sampling import PADDING_ITEM
from jaxfr.uploads import Uploads, rows_of

NUM_USERS, NUM_ITEMS, DIM = 6, 10, 3
LEARNING_RATE, REGULARIZATION = 0.2, 0.1
ACTIVITY = np.array([1, 4, 2, 4, 1, 3])
EVERYONE = np.ones(NUM_USERS, bool)
SOME = np.array([True, False, True, True, False, True])

Rows = dict[tuple[int, int], np.ndarray]


@functools.cache
def problem() -> tuple[Dataset, np.ndarray, np.ndarray, np.ndarray]:
    """Data, a negative for each pair (some drawn twice), user and item embeddings."""
    random = np.random.default_rng(2)
    held = [random.choice(NUM_ITEMS, size, replace=False) for size in ACTIVITY]
    others = [np.setdiff1d(np.arange(1, NUM_ITEMS), items)[:2] for items in held]
    negatives = [
        random.choice(pool, size) for pool, size in zip(others, ACTIVITY, strict=True)
    ]
    dataset = Dataset(
        name="six",
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
        train_users=np.repeat(np.arange(NUM_USERS), ACTIVITY).astype(np.int32),
        train_items=np.concatenate(held).astype(np.int32),
        test_items=np.full(NUM_USERS, -1, np.int32),
    )
    users = random.normal(size=(NUM_USERS, DIM)).astype(np.float32)
    items = random.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)
    return dataset, np.concatenate(negatives).astype(np.int32), users, items


@functools.cache
def compiled(max_groups: int):
    dataset, negatives, _, _ = problem()
    groups = plan_clients(dataset, max_groups)
    optimizer = optax.sgd(LEARNING_RATE, momentum=0.9)
    batches = []
    for group in groups:
        is_padding = group.positives == PADDING_ITEM
        drawn = jnp.where(is_padding, PADDING_ITEM, jnp.asarray(negatives)[group.pair])
        batches.append(jax.vmap(make_batch)(group.positives, drawn))

    @jax.jit
    def run(users: jax.Array, items: jax.Array, taking_part: jax.Array):
        states = tuple(
            ClientState(own := users[group.client], jax.vmap(optimizer.init)(own))
            for group in groups
        )
        parts = tuple(taking_part[group.client] for group in groups)
        return update_clients(
            fedmf(),
            optimizer,
            states,
            tuple(batches),
            parts,
            items,
            jnp.float32(REGULARIZATION),
        )

    senders = [np.repeat(g.client, 2 * g.positives.shape[1]) for g in groups]
    return run, np.concatenate([g.client for g in groups]), np.concatenate(senders)


def update(
    max_groups: int, taking_part: np.ndarray, items: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, Rows, Uploads]:
    """New embeddings and momenta in the order of clients, and uploads by sender."""
    run, order, sender = compiled(max_groups)
    _, _, users, given_items = problem()
    states, uploads = run(users, given_items if items is None else items, taking_part)
    embedding, momentum = np.zeros_like(users), np.zeros_like(users)
    embedding[order] = np.concatenate([state.embedding for state in states])
    traces = [jax.tree.leaves(state.optimizer)[0] for state in states]
    momentum[order] = np.concatenate(traces)
    rows = np.asarray(rows_of(uploads, jnp.arange(uploads.item.size)))
    sent = np.flatnonzero(uploads.weight)
    keys = [(int(sender[row]), int(uploads.item[row])) for row in sent]
    assert len(keys) == len(set(keys))
    assert np.all(np.asarray(uploads.weight)[sent] == 1)
    return embedding, momentum, dict(zip(keys, rows[sent], strict=True)), uploads


def update_by_loop(taking_part: np.ndarray) -> tuple[np.ndarray, np.ndarray, Rows]:
    """The same from the definitions, in float64."""
    dataset, negatives, users, items = problem()
    embedding, items = users.astype(np.float64), items.astype(np.float64)
    momentum, rows = np.zeros_like(embedding), {}
    for client in np.flatnonzero(taking_part):
        own = dataset.train_users == client
        pairs = list(zip(dataset.train_items[own], negatives[own], strict=True))
        user = embedding[client].copy()
        by_user = REGULARIZATION * user
        for item in {int(item) for pair in pairs for item in pair}:
            rows[int(client), item] = REGULARIZATION * items[item]
        for j, k in pairs:
            slope = -1 / (1 + np.exp(user @ items[j] - user @ items[k]))
            by_user += slope * (items[j] - items[k])
            rows[int(client), int(j)] += slope * user
            rows[int(client), int(k)] -= slope * user
        momentum[client] = by_user
        embedding[client] -= LEARNING_RATE * by_user
    return embedding, momentum, rows


@pytest.mark.parametrize("taking_part", [EVERYONE, SOME], ids=["everyone", "some"])
@pytest.mark.parametrize("max_groups", [1, 3])
def test_clients_do_what_each_would_alone(max_groups, taking_part):
    embedding, momentum, rows, uploads = update(max_groups, taking_part)
    expected_embedding, expected_momentum, expected_rows = update_by_loop(taking_part)
    np.testing.assert_allclose(embedding, expected_embedding, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(momentum, expected_momentum, rtol=1e-5, atol=1e-6)
    assert rows.keys() == expected_rows.keys()
    for sender, row in rows.items():
        np.testing.assert_allclose(row, expected_rows[sender], rtol=1e-5, atol=1e-6)
    assert uploads.participants == taking_part.sum()


def test_a_client_that_does_not_take_part_keeps_its_state_and_uploads_nothing():
    embedding, momentum, rows, _ = update(3, SOME)
    _, _, users, _ = problem()
    np.testing.assert_array_equal(embedding[~SOME], users[~SOME])
    np.testing.assert_array_equal(momentum[~SOME], 0)
    assert np.all(embedding[SOME] != users[SOME])
    assert {client for client, _ in rows} == set(np.flatnonzero(SOME).tolist())


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_an_item_that_overflowed_reaches_only_the_clients_that_hold_it(broken):
    """Also not through the padding, which points to item 0."""
    dataset, _, _, items = problem()
    items = items.copy()
    items[0] = broken
    holders = np.unique(dataset.train_users[dataset.train_items == 0])
    assert 0 < holders.size < NUM_USERS
    others = np.setdiff1d(np.arange(NUM_USERS), holders)
    embedding, _, rows, _ = update(1, EVERYONE, items)
    expected, _, expected_rows = update_by_loop(EVERYONE)
    np.testing.assert_allclose(embedding[others], expected[others], 1e-5, 1e-6)
    for (client, item), row in expected_rows.items():
        if client in others:
            np.testing.assert_allclose(rows[client, item], row, 1e-5, 1e-6)
