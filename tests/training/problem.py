"""A problem small enough to check by loops, in the package's terms and in NumPy's."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators import Rule, ServerKnowledge, Stage
from jaxfr.aggregators.server import init_server
from jaxfr.attacks import Attack
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.experiment import PART_KINDS, Experiment
from jaxfr.models import fedmf
from jaxfr.parts import Part
from jaxfr.texts import read_field
from jaxfr.training import (
    GivenValues,
    Layout,
    TrainingState,
    plan_layout,
    start,
)
from jaxfr.training.pairs import draw_pairs
from jaxfr.training.round import choose_participants, train_round
from tests.datasets import dataset_of

NUM_USERS, NUM_ITEMS, DIM, ROOM = 12, 15, 3, 3

# With the numbers that ``with_data`` would fill in, and everybody in every round.
EXPERIMENT = Experiment(
    model=fedmf(DIM),
    malicious_clients=ROOM,
    expected_byzantine=ROOM,
    participation=None,
    num_candidates=6,
    targets=(),
)

compiled_start = jax.jit(start)
compiled_pairs = jax.jit(draw_pairs)
one_round = jax.jit(train_round)
participants = jax.jit(choose_participants)


def configured(
    attack: str | Part[Attack], aggregator: str | Part[Rule | Stage], **changes: Any
) -> Experiment:
    """The small experiment with other values; parts may be texts, as ``lie:2.0``."""
    return changed(EXPERIMENT, attack=attack, aggregator=aggregator, **changes)


def changed(experiment: Experiment, **changes: Any) -> Experiment:
    """An experiment with other values; parts may be texts."""
    read = {
        name: read_field(name, value)
        if isinstance(value, str) and name in PART_KINDS
        else value
        for name, value in changes.items()
    }
    return dataclasses.replace(experiment, **read)


@functools.cache
def small_dataset() -> Dataset:
    """Users of two activities (so two client groups); one has no test item.

    Popular items come first; the last item never occurs.
    """
    random = np.random.default_rng(0)
    activity = np.where(np.arange(NUM_USERS) % 3 == 0, 7, 3)
    popularity = 1.0 / np.arange(1, NUM_ITEMS)
    held = [
        random.choice(NUM_ITEMS - 1, size + 1, False, popularity / popularity.sum())
        for size in activity
    ]
    test_items = np.array([items[-1] for items in held], np.int32)
    test_items[4] = NO_TEST_ITEM
    return dataset_of([items[:-1] for items in held], NUM_ITEMS, test_items)


def chosen_clients(clients: list[int]) -> Dataset:
    """These clients of the small problem, in this order."""
    dataset, positives = small_dataset(), per_client(small_dataset().train_items)
    own = [positives[client] for client in clients]
    return dataset_of(own, NUM_ITEMS, dataset.test_items[clients])


@functools.cache
def uneven_dataset() -> Dataset:
    """The small problem, the busiest clients first: devices share them unevenly."""
    return chosen_clients(np.argsort(-small_dataset().user_activity).tolist())


@functools.cache
def two_clients() -> Dataset:
    """Fewer clients than devices."""
    return chosen_clients([0, 1])


@functools.cache
def small_layout(
    devices: int = 1, pseudo_items: int = 0, with_neighbours: bool = False
) -> Layout:
    """With room for all malicious clients."""
    dataset = small_dataset()
    return plan_layout(dataset, devices, ROOM, pseudo_items, with_neighbours)


def per_client(values: np.ndarray) -> list[np.ndarray]:
    """Splits one value per training pair by client."""
    ends = np.cumsum(small_dataset().user_activity)[:-1]
    return np.split(values, ends)


@functools.cache
def drawn_values() -> GivenValues:
    """Values to start from, larger than the package's, so that rounds change a lot."""
    random = np.random.default_rng(1)
    negatives = [
        random.choice(np.setdiff1d(np.arange(NUM_ITEMS), positives), positives.size)
        for positives in per_client(small_dataset().train_items)
    ]
    return GivenValues(
        user_embeddings=jnp.asarray(random.normal(0, 0.7, (NUM_USERS, DIM))),
        item_embeddings=jnp.asarray(random.normal(0, 0.7, (NUM_ITEMS, DIM))),
        negatives=jnp.asarray(np.concatenate(negatives), jnp.int32),
        noise=jnp.asarray(random.normal(0, 2.0, (NUM_ITEMS, DIM))),
    )


def for_server_of(experiment: Experiment, state: TrainingState) -> TrainingState:
    """A start with another server, which it serves where it groups rows by item."""
    knowledge = ServerKnowledge(NUM_USERS + ROOM, *state.item_embeddings.shape)
    server = init_server(experiment.rule(), knowledge)
    return state._replace(items=state.items._replace(server=server))


def user_embeddings(state: TrainingState) -> np.ndarray:
    """Of all clients, in the order of their ids."""
    return np.asarray(state.clients.embedding)
