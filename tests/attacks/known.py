"""What attackers know and see, as far as a test does not say it, and how they draw."""

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxfr.attacks import Knowledge, RoundView, Task
from jaxfr.models import fedmf

TASK = Task(fedmf().make(), learning_rate=0.01, regularization=0.1)


def knowledge_of(
    popularity: Sequence[int] | np.ndarray,
    clients: int,
    dim: int = 2,
    activity: Sequence[int] = (1, 2),
    most_uploaded: int = 3,
    task: Task = TASK,
) -> Knowledge:
    """What attackers know before training."""
    return Knowledge(
        task=task,
        item_popularity=jnp.asarray(popularity, jnp.int32),
        most_uploaded=jnp.int32(most_uploaded),
        malicious_clients=clients,
        embedding_dim=dim,
        client_activity=jnp.asarray(activity, jnp.int32),
    )


def view_of(
    items: Array | np.ndarray,
    acting: Array | np.ndarray,
    number: Array | int = 0,
    task: Task = TASK,
) -> RoundView:
    """What every malicious client sees of a round."""
    return RoundView(
        jnp.asarray(number, jnp.int32), jnp.asarray(items), jnp.asarray(acting), task
    )


def assert_chances(found: np.ndarray, chances: np.ndarray) -> None:
    """A chi-square test of counts against their chances, at four deviations."""
    assert chances.sum() == pytest.approx(1)
    expected = found.sum() * chances
    chi_square = np.sum((found - expected) ** 2 / expected)
    freedom = chances.size - 1
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def assert_drawn_by_popularity(chosen: np.ndarray, weights: np.ndarray) -> None:
    """Rows ``[draws, m]`` of equally many items, drawn one by one without replacement.

    Each in proportion to its weight among those that are left.
    """
    (size,) = np.unique(chosen.sum(axis=1))
    chances: dict[frozenset[int], float] = {}
    for order in itertools.permutations(np.flatnonzero(weights).tolist(), int(size)):
        chance, left = 1.0, float(weights.sum())
        for item in order:
            chance *= weights[item] / left
            left -= weights[item]
        chances[frozenset(order)] = chances.get(frozenset(order), 0.0) + chance
    found = dict.fromkeys(chances, 0)
    for row in chosen:
        found[frozenset(np.flatnonzero(row).tolist())] += 1
    assert_chances(np.array(list(found.values())), np.array(list(chances.values())))
