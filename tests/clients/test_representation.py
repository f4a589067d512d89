"""All clients' representations, against one client after the other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.clients.graph import NO_NEIGHBOUR, represent_clients
from jaxfr.clients.tensors import client_widths, plan_clients
from jaxfr.data.dataset import Dataset
from jaxfr.models.fedgnn import GraphWeights, represent
from tests.clients.test_update import ACTIVITY, DIM, NUM_USERS, problem
from tests.models import plain_fedgnn

THETA = plain_fedgnn.drawn_theta(0, DIM)


def dataset() -> Dataset:
    return problem().dataset


def embeddings() -> tuple[np.ndarray, np.ndarray]:
    return problem().users, problem().items


@functools.cache
def neighbours(count: int) -> np.ndarray:
    random = np.random.default_rng(4)
    shape = ACTIVITY.sum(), count
    return random.integers(NO_NEIGHBOUR, NUM_USERS, shape).astype(np.int32)


def represented(max_groups: int, count: int, items: np.ndarray) -> np.ndarray:
    weights = GraphWeights(*(jnp.asarray(leaf, jnp.float32) for leaf in THETA))
    groups = plan_clients(dataset(), client_widths(dataset().user_activity, max_groups))
    run = jax.jit(functools.partial(represent_clients, represent))
    return np.asarray(run(weights, embeddings()[0], items, groups, neighbours(count)))


def represented_by_loop(count: int) -> np.ndarray:
    users, items = (values.astype(np.float64) for values in embeddings())
    found = []
    for client in range(NUM_USERS):
        nodes = []
        for pair in np.flatnonzero(dataset().train_users == client):
            others = neighbours(count)[pair]
            nodes.append(items[dataset().train_items[pair]])
            nodes += [users[other] for other in others if other != NO_NEIGHBOUR]
        found.append(plain_fedgnn.representation(THETA, users[client], nodes))
    return np.array(found)


@pytest.mark.parametrize("max_groups", [1, 3])
@pytest.mark.parametrize("count", [0, 2])
def test_every_client_looks_at_its_own_graph(max_groups, count):
    found = represented(max_groups, count, embeddings()[1])
    np.testing.assert_allclose(found, represented_by_loop(count), rtol=1e-5, atol=1e-6)


def test_the_size_of_a_block_changes_nothing(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 30)
    found = represented(1, 2, embeddings()[1])
    np.testing.assert_allclose(found, represented_by_loop(2), rtol=1e-5, atol=1e-6)


def test_an_item_that_overflowed_reaches_only_the_clients_that_hold_it():
    """Also not through the padding, which points to item 0."""
    items = embeddings()[1].copy()
    items[0] = np.nan
    holders = np.unique(dataset().train_users[dataset().train_items == 0])
    assert 0 < holders.size < NUM_USERS
    found = represented(1, 0, items)
    finite = np.setdiff1d(np.arange(NUM_USERS), holders)
    expected = represented_by_loop(0)[finite]
    np.testing.assert_allclose(found[finite], expected, rtol=1e-5, atol=1e-6)
    assert np.all(np.isnan(found[holders]))
