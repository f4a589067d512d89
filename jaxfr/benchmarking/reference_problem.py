"""The pairs and embeddings that the references of the benchmark compute with."""

from typing import NamedTuple

import numpy as np

from jaxfr.data import Dataset


class Problem(NamedTuple):
    """The pairs of a round, and what follows from them for all rounds.

    A client sends one row for a negative that it drew twice.
    """

    users: np.ndarray  # client of each pair, ascending, int32 [p]
    positives: np.ndarray  # int32 [p]
    negatives: np.ndarray  # int32 [p]
    received: np.ndarray  # clients that upload each item, float32 [m]
    learning_rate: float = 0.01  # eta
    regularization: float = 0.1  # lambda


class Embeddings(NamedTuple):
    """float32 ``users`` ``[n, d]`` and ``items`` ``[m, d]``."""

    users: np.ndarray
    items: np.ndarray


def plan_problem(dataset: Dataset, negatives: np.ndarray, **numbers: float) -> Problem:
    """The problem of negatives, int32 ``[p]``, with other numbers if they are given."""
    users, positives, m = dataset.train_users, dataset.train_items, dataset.num_items
    distinct = np.unique(users.astype(np.int64) * m + negatives) % m
    received = np.bincount(np.append(positives, distinct), minlength=m)
    return Problem(users, positives, negatives, received.astype(np.float32), **numbers)


def draw_embeddings(
    dataset: Dataset, embedding_dim: int, random: np.random.Generator
) -> Embeddings:
    """Draws embeddings from N(0, 0.01^2), as jaxfr does."""
    users, items = (
        np.float32(0.01) * random.standard_normal((rows, embedding_dim), np.float32)
        for rows in (dataset.num_users, dataset.num_items)
    )
    return Embeddings(users, items)


def draw_negatives(dataset: Dataset, random: np.random.Generator) -> np.ndarray:
    """Draws for each training pair an item that its user does not hold, int32 ``[p]``.

    The r-th item that a user does not hold is r plus the number of held items ``a_i``
    (ascending, i from 0) with ``a_i - i <= r``.
    """
    users, num_items = dataset.train_users.astype(np.int64), dataset.num_items
    activity = dataset.user_activity
    start = (np.cumsum(activity) - activity)[users]
    rank = random.integers(0, num_items - activity[users])
    held = np.sort(users * num_items + dataset.train_items)
    # Still ascending, user by user, so that one search serves all users.
    before = held - (np.arange(held.size) - start)
    count = np.searchsorted(before, users * num_items + rank, side="right") - start
    return (rank + count).astype(np.int32)


def expected_rows(dataset: Dataset) -> float:
    """Rows that all benign clients upload in a round, on average over negatives.

    A client with L of m items uploads those, and each of the others with probability
    ``1 - (1 - 1/(m - L))^L``.
    """
    activity = dataset.user_activity.astype(np.float64)
    others = dataset.num_items - activity
    return float(np.sum(activity + others * (1 - (1 - 1 / others) ** activity)))
