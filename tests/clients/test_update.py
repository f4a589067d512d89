"""All clients' rounds at once, in either form, against one client after the other."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxfr import blocks
from jaxfr.clients.negatives import tile_pairs
from jaxfr.clients.tensors import ClientGroup, client_widths, plan_clients, plan_tiles
from jaxfr.clients.update import (
    ClientState,
    WholeClients,
    update_by_client,
    update_by_pairs,
)
from jaxfr.data.dataset import Dataset
from jaxfr.models.batch import Batch, make_batch
from jaxfr.models.fedmf import fedmf
from jaxfr.sampling import PADDING_ITEM
from jaxfr.uploads import Uploads, rows_of
from tests.datasets import dataset_of
from tests.models.plain_fedmf import gradient

NUM_USERS, NUM_ITEMS, DIM = 6, 10, 3
MODEL = fedmf(DIM).make()
LEARNING_RATE, REGULARIZATION, DECAY = 0.2, 0.1, 0.9
ACTIVITY = np.array([1, 4, 2, 4, 1, 3])
EVERYONE = np.ones(NUM_USERS, bool)
SOME = np.array([True, False, True, True, False, True])

# Either whole clients in so many groups, or pairs in tiles of such a width.
BY_CLIENT = [("by client", 3)]
BY_PAIRS = [("by pairs", 2), ("by pairs", 16)]

every_form = pytest.mark.parametrize("form", BY_CLIENT + BY_PAIRS)
everyone_and_some = pytest.mark.parametrize(
    "taking_part", [EVERYONE, SOME], ids=["everyone", "some"]
)

Form = tuple[str, int]
Update = Callable[..., tuple[ClientState, Uploads]]


class Round(NamedTuple):
    """What came of a round: for each client, and a row by client and item."""

    embedding: np.ndarray
    momentum: np.ndarray
    rows: dict[tuple[int, int], np.ndarray]


class Problem(NamedTuple):
    dataset: Dataset
    negatives: np.ndarray
    users: np.ndarray
    momentum: np.ndarray
    items: np.ndarray


@functools.cache
def problem() -> Problem:
    """Two items to draw negatives from, so that some are drawn twice."""
    random = np.random.default_rng(2)
    held = [random.choice(NUM_ITEMS, size, replace=False) for size in ACTIVITY]
    others = [np.setdiff1d(np.arange(1, NUM_ITEMS), items)[:2] for items in held]
    negatives = [
        random.choice(pool, size) for pool, size in zip(others, ACTIVITY, strict=True)
    ]
    assert any(len(np.unique(own)) < own.size for own in negatives)
    dataset = dataset_of(held, NUM_ITEMS)
    users, momentum = random.normal(size=(2, NUM_USERS, DIM)).astype(np.float32)
    items = random.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)
    negatives = np.concatenate(negatives).astype(np.int32)
    return Problem(dataset, negatives, users, momentum, items)


def by_client(max_groups: int) -> tuple[Update, np.ndarray]:
    """The update of whole clients, and who sends each row."""
    groups = plan_clients(
        problem().dataset, client_widths(problem().dataset.user_activity, max_groups)
    )
    negatives = jnp.asarray(problem().negatives)

    def batches_of(group: ClientGroup) -> Batch:
        is_padding = group.positives == PADDING_ITEM
        drawn = jnp.where(is_padding, PADDING_ITEM, negatives[group.pair])
        return jax.vmap(make_batch)(group.positives, drawn)

    nobody = jnp.zeros((negatives.size, 0), jnp.int32)
    clients = WholeClients(
        jnp.arange(len(problem().users)), groups, tuple(map(batches_of, groups)), nobody
    )

    def update(optimizer, states: ClientState, *now):
        after, uploads, of_weights = update_by_client(
            MODEL, optimizer, states, clients, *now
        )
        assert of_weights is None
        return after, uploads

    sender = [np.repeat(g.client, 2 * g.positives.shape[1]) for g in groups]
    return update, np.concatenate(sender)


def by_pairs(width: int) -> tuple[Update, np.ndarray]:
    """The update in tiles, and who sends each row."""
    dataset, pair_gradients = problem().dataset, MODEL.pair_gradients
    assert pair_gradients is not None
    users, positives = (
        jnp.asarray(dataset.train_users),
        jnp.asarray(dataset.train_items),
    )
    tiles = plan_tiles(dataset, width=width)
    pairs = tile_pairs(tiles, users, positives, jnp.asarray(problem().negatives))

    def update(optimizer, states: ClientState, *now):
        return update_by_pairs(pair_gradients, optimizer, states, pairs, *now)

    return update, np.repeat(tiles.client, 2 * width)


@functools.cache
def compiled(form: Form, block_numbers: int):
    """The update from the problem's state, traced anew for every size of block."""
    assert block_numbers == blocks.BLOCK_NUMBERS
    name, size = form
    update, sender = by_client(size) if name == "by client" else by_pairs(size)
    optimizer = optax.sgd(LEARNING_RATE, momentum=DECAY)

    @jax.jit
    def run(users: jax.Array, momentum: jax.Array, items: jax.Array, taking_part):
        fresh = jax.vmap(optimizer.init)(users)
        states = ClientState(users, jax.tree.map(lambda _: momentum, fresh))
        return update(
            optimizer, states, taking_part, items, jnp.float32(REGULARIZATION)
        )

    return run, sender


def update(
    form: Form, taking_part: np.ndarray, items: np.ndarray | None = None
) -> tuple[Round, Uploads]:
    run, sender = compiled(form, blocks.BLOCK_NUMBERS)
    _, _, users, momentum, given_items = problem()
    items = given_items if items is None else items
    state, uploads = run(users, momentum, items, taking_part)
    rows = np.asarray(rows_of(uploads, jnp.arange(uploads.item.size)))
    sent = np.flatnonzero(uploads.weight)
    keys = [(int(sender[row]), int(uploads.item[row])) for row in sent]
    assert len(keys) == len(set(keys))
    assert np.all(np.asarray(uploads.weight)[sent] == 1)
    (trace,) = jax.tree.leaves(state.optimizer)
    by_sender = dict(zip(keys, rows[sent], strict=True))
    return Round(np.asarray(state.embedding), np.asarray(trace), by_sender), uploads


def update_by_loop(taking_part: np.ndarray) -> Round:
    """The same from the definitions, in float64."""
    dataset, negatives, *given = problem()
    embedding, momentum, items = (values.astype(np.float64) for values in given)
    rows = {}
    for client in np.flatnonzero(taking_part):
        own = dataset.train_users == client
        pairs = list(zip(dataset.train_items[own], negatives[own], strict=True))
        by_user, by_item = gradient(embedding[client], items, pairs, REGULARIZATION)
        rows |= {(int(client), item): row for item, row in by_item.items()}
        momentum[client] = DECAY * momentum[client] + by_user
        embedding[client] -= LEARNING_RATE * momentum[client]
    return Round(embedding, momentum, rows)


def assert_same_round(found: Round, expected: Round) -> None:
    for values, wanted in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
    assert found.rows.keys() == expected.rows.keys()
    for sender, row in found.rows.items():
        np.testing.assert_allclose(row, expected.rows[sender], rtol=1e-5, atol=1e-6)


@everyone_and_some
@every_form
def test_clients_do_what_each_would_alone(form, taking_part):
    found, uploads = update(form, taking_part)
    assert_same_round(found, update_by_loop(taking_part))
    assert uploads.participants == taking_part.sum()


@every_form
def test_the_size_of_a_block_changes_nothing(form, monkeypatch):
    whole, _ = update(form, SOME)
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 12)
    in_blocks, _ = update(form, SOME)
    assert_same_round(in_blocks, whole)


@every_form
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_an_item_that_overflowed_reaches_only_the_clients_that_hold_it(form, broken):
    """Also not through the padding, which points to item 0."""
    dataset, _, _, _, items = problem()
    items = items.copy()
    items[0] = broken
    holders = np.unique(dataset.train_users[dataset.train_items == 0])
    assert 0 < holders.size < NUM_USERS
    others = np.setdiff1d(np.arange(NUM_USERS), holders)
    found, _ = update(form, EVERYONE, items)
    expected = update_by_loop(EVERYONE)
    np.testing.assert_allclose(
        found.embedding[others], expected.embedding[others], 1e-5, 1e-6
    )
    for (client, item), row in expected.rows.items():
        if client in others:
            np.testing.assert_allclose(found.rows[client, item], row, 1e-5, 1e-6)
