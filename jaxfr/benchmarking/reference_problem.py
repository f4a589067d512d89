"""What the references of the benchmark compute with: pairs, rows and embeddings.

What follows from the pairs alone is worked out here, once: no reference pays for it in
a round.
"""

from typing import NamedTuple

import numpy as np

from jaxfr.data import Dataset


class Problem(NamedTuple):
    """The pairs of a round, and what follows from them for all rounds.

    The p uploads of positives come first among the rows, then those of distinct
    negatives: a client sends one row for a negative that it drew twice.

    Attributes:
        users: client of each pair, ascending, int32 ``[p]``.
        positives: int32 ``[p]``.
        negatives: int32 ``[p]``.
        negative_row: place of each pair's negative among the distinct ones, ``[p]``.
        row_user: the client that sends each row, int32 ``[rows]``.
        row_item: the item of each row, int32 ``[rows]``.
        by_item: order of the rows in which items ascend, int64 ``[rows]``.
        received: number of rows of each item, float32 ``[m]``.
        learning_rate: eta.
        regularization: lambda.
        clip_norm: largest norm of a row, for ``norm``.
    """

    users: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray
    negative_row: np.ndarray
    row_user: np.ndarray
    row_item: np.ndarray
    by_item: np.ndarray
    received: np.ndarray
    learning_rate: float
    regularization: float
    clip_norm: float


class Embeddings(NamedTuple):
    """float32 ``users`` ``[n, d]`` and ``items`` ``[m, d]``."""

    users: np.ndarray
    items: np.ndarray


def plan_problem(
    users: np.ndarray,
    positives: np.ndarray,
    negatives: np.ndarray,
    num_items: int,
    learning_rate: float = 0.01,
    regularization: float = 0.1,
    clip_norm: float = 1.0,
) -> Problem:
    """Works out what is the same in all rounds; see :class:`Problem`."""
    keys = users.astype(np.int64) * num_items + negatives
    distinct, negative_row = np.unique(keys, return_inverse=True)
    row_item = np.concatenate([positives, distinct % num_items]).astype(np.int32)
    return Problem(
        users=users,
        positives=positives,
        negatives=negatives,
        negative_row=negative_row,
        row_user=np.concatenate([users, distinct // num_items]).astype(np.int32),
        row_item=row_item,
        by_item=np.argsort(row_item, kind="stable"),
        received=np.bincount(row_item, minlength=num_items).astype(np.float32),
        learning_rate=learning_rate,
        regularization=regularization,
        clip_norm=clip_norm,
    )


def draw_problem(dataset: Dataset, random: np.random.Generator) -> Problem:
    """Draws one negative for each training pair, as jaxfr does, and plans the round."""
    negatives = draw_negatives(dataset, random)
    return plan_problem(
        dataset.train_users, dataset.train_items, negatives, dataset.num_items
    )


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
    """Draws for each training pair an item that its user does not hold.

    The r-th item that a user does not hold is r plus the number of held items ``a_i``
    (ascending, i from 0) with ``a_i - i <= r``.

    Args:
        dataset: the data.
        random: the generator.

    Returns:
        int32 ``[pairs]``, in the data set's order.
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
