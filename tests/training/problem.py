"""A problem small enough to check by loops, in the package's terms and in NumPy's."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.training import (
    Configuration,
    GivenValues,
    Layout,
    TrainingState,
    plan_layout,
    start,
)
from jaxfr.training.pairs import draw_pairs
from jaxfr.training.round import choose_participants, train_round

NUM_USERS, NUM_ITEMS, DIM, ROOM = 12, 15, 3, 3
SPATTACKS = ("spattack_o_d", "spattack_o_s", "spattack_l_d", "spattack_l_s")

# Halves the time to compile what runs only a few times.
QUICK_COMPILE = {"xla_backend_optimization_level": 0}

CONFIGURATION = Configuration(
    embedding_dim=DIM, malicious_clients=ROOM, num_candidates=6
)

compiled_start = jax.jit(
    start, static_argnames="configuration", compiler_options=QUICK_COMPILE
)
compiled_pairs = jax.jit(
    draw_pairs, static_argnames="configuration", compiler_options=QUICK_COMPILE
)
one_round = jax.jit(
    train_round, static_argnames="configuration", compiler_options=QUICK_COMPILE
)
participants = jax.jit(choose_participants, static_argnames="configuration")


def configured(attack: str, aggregator: str, **changes) -> Configuration:
    return dataclasses.replace(
        CONFIGURATION, attack=attack, aggregator=aggregator, **changes
    )


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
    return Dataset(
        name="small",
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
        train_users=np.repeat(np.arange(NUM_USERS, dtype=np.int32), activity),
        train_items=np.concatenate([items[:-1] for items in held]).astype(np.int32),
        test_items=test_items,
    )


def chosen_clients(clients: list[int]) -> Dataset:
    """These clients of the small problem, in this order."""
    dataset, positives = small_dataset(), per_client(small_dataset().train_items)
    own = [positives[client] for client in clients]
    return dataclasses.replace(
        dataset,
        num_users=len(clients),
        train_users=np.repeat(
            np.arange(len(clients), dtype=np.int32), [*map(len, own)]
        ),
        train_items=np.concatenate(own),
        test_items=dataset.test_items[clients],
    )


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
    return plan_layout(small_dataset(), devices, pseudo_items, with_neighbours)


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


def user_embeddings(state: TrainingState) -> np.ndarray:
    """Of all clients, in the order of their ids."""
    return np.asarray(state.clients.embedding)
