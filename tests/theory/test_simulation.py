"""The propositions, against a round that was really run."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import Rule, mean, median
from jaxfr.attacks import Attack, spattack_l_d, spattack_o_d
from jaxfr.data import synthetic_dataset
from jaxfr.data.dataset import Dataset
from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.parts import Part
from jaxfr.theory.breakdown import broken_items, broken_share_counted, item_falls
from jaxfr.training import Layout, Setup, TrainingState, plan_layout, start
from jaxfr.training.round import train_round
from tests.models.plain_fedmf import gradient

DIM, ROOM, REGULARIZATION = 4, 30, 0.1

# What runs a few times only need not be fast.
compiled_start, one_round = (
    jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})
    for function in (start, train_round)
)


@functools.cache
def dataset() -> Dataset:
    """Long-tailed: from items with a single interaction to some with over a hundred."""
    return synthetic_dataset(
        num_users=200, num_items=400, num_pairs=3000, activity_sigma=0.0
    )


@functools.cache
def layout() -> Layout:
    return plan_layout(dataset(), malicious_clients=ROOM)


def run_round(
    attack: Part[Attack], aggregator: Part[Rule], malicious_clients: int
) -> tuple[Setup, TrainingState, np.ndarray]:
    """One round with learning rate 1; returns its start and every item's aggregate."""
    experiment = Experiment(
        model=fedmf(DIM),
        learning_rate=1.0,
        regularization=REGULARIZATION,
        attack=attack,
        malicious_clients=malicious_clients,
        aggregator=aggregator,
        num_candidates=9,
    ).with_data(dataset().num_users)
    setup, before = compiled_start(experiment, layout(), jax.random.key(0))
    after, counts = one_round(experiment, layout(), setup, before, jnp.int32(0))
    assert counts.overflow == 0
    return setup, before, np.asarray(before.item_embeddings - after.item_embeddings)


def benign_rows(setup: Setup, state: TrainingState) -> list[list[np.ndarray]]:
    """Every item's benign rows, by the definition and in float64."""
    items = np.asarray(state.item_embeddings, np.float64)
    users = np.asarray(state.clients.embedding, np.float64)
    ends = np.cumsum(dataset().user_activity)[:-1]
    received: list[list[np.ndarray]] = [[] for _ in items]
    for user, positives, negatives in zip(
        users,
        np.split(dataset().train_items, ends),
        np.split(np.asarray(setup.pairs.negatives), ends),
        strict=True,
    ):
        pairs = zip(positives, negatives, strict=True)
        for item, row in gradient(user, items, pairs, REGULARIZATION)[1].items():
            received[item].append(row)
    return received


# --- Proposition 1 ---


def test_one_malicious_client_sets_the_mean_of_every_item_to_zero():
    _, _, clean = run_round(spattack_o_d(), mean(), 0)
    _, _, attacked = run_round(spattack_o_d(), mean(), 1)
    assert np.median(np.max(np.abs(clean), axis=1)) > 1e-3
    assert np.max(np.abs(attacked)) < 1e-7


# --- Proposition 2 ---


@pytest.mark.parametrize("malicious_clients", [0, 12])
def test_under_the_median_exactly_the_items_of_few_rows_break(malicious_clients):
    setup, state, aggregate = run_round(spattack_l_d(), median(), malicious_clients)
    rows = benign_rows(setup, state)
    count = np.array([len(of_item) for of_item in rows])
    nothing = np.full(DIM, np.inf)
    lower = jnp.array([np.min([nothing, *of_item], axis=0) for of_item in rows])
    upper = jnp.array([np.max([-nothing, *of_item], axis=0) for of_item in rows])
    received = jnp.asarray((count > 0) | (malicious_clients > 0))
    broken = broken_items(
        jnp.asarray(aggregate), lower, upper, received, tolerance=1e-6
    )
    np.testing.assert_array_equal(broken, item_falls(count, malicious_clients, 0.5))
    share = broken_share_counted(count, malicious_clients, 0.5)
    assert np.mean(broken) == pytest.approx(share)
    if malicious_clients == 12:
        # The test says something: both sides, and both sides of the very limit.
        assert 0.1 < share < 0.9
        assert {malicious_clients, malicious_clients + 1} <= set(count.tolist())
