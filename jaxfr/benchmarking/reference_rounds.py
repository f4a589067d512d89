"""The clean round of FedMF under the mean, by numba and by PyTorch.

Both compute what jaxfr does under the mean with plain gradient steps on both sides.
With ``push = sigma(s_k - s_j)`` for a pair (j, k) of client u, and ``g_j`` the sum of
``-push`` over the pairs in which j is the positive and of ``push`` over those in which
it is the negative::

    u   <- u   - eta (sum over pairs of -push (v_j - v_k) + lambda u)
    v_j <- v_j - eta (sum over clients of g_j u / number of clients + lambda v_j)

where an item that no client uploads stays as it is.
"""

import functools
from collections.abc import Callable, Mapping
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


def mean_torch(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """By ``index_select`` and ``index_add_``.

    (Both are several times as fast as ``table[index]`` and ``index_put_``.)
    """
    import torch  # pyright: ignore[reportMissingImports]

    users, items = map(torch.from_numpy, embeddings)
    user, positive, negative = (torch.from_numpy(ids).long() for ids in problem[:3])
    sender = users.index_select(0, user)
    difference = items.index_select(0, positive) - items.index_select(0, negative)
    push = torch.sigmoid(-(sender * difference).sum(dim=1))[:, None]
    parts = push * sender
    user_sums = torch.zeros_like(users).index_add_(0, user, push * difference, alpha=-1)
    item_sums = torch.zeros_like(items).index_add_(0, positive, parts, alpha=-1)
    item_sums.index_add_(0, negative, parts)
    rate, regularization = problem.learning_rate, problem.regularization
    received = torch.from_numpy(problem.received)[:, None]
    gradient = item_sums / received.clamp(min=1) + regularization * items
    return Embeddings(
        (users - rate * (user_sums + regularization * users)).numpy(),
        torch.where(received > 0, items - rate * gradient, items).numpy(),
    )


def mean_numba(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """By loops that numba compiles."""
    return mean_by_loops(_compiled, problem, embeddings)


def mean_by_loops(
    compile_function: Callable[[Callable[..., None]], Callable[..., None]],
    problem: Problem,
    embeddings: Embeddings,
) -> Embeddings:
    """By two loops, written to be as fast as one thread gets.

    Everything is float32, a pair's rows are read once and stay in the first cache, and
    no array is made on the way. Indices are unsigned, as a signed one might count from
    the end and is tested for it each time. (Slower on ML-100K, where this takes 18 ns
    for a pair: a constant d, an inlined polynomial for exp, pairs in blocks, the three
    loops in one, and buffers for the rows.) The identity runs both loops as Python.
    """
    user_sums, item_sums = map(np.zeros_like, embeddings)
    pairs, step = map(compile_function, (_add_pairs, _take_steps))
    pairs(*problem[:3], *embeddings, user_sums, item_sums)
    rate, shrink = (
        np.float32(problem.learning_rate),
        np.float32(1 - problem.learning_rate * problem.regularization),
    )
    step(problem.received, *embeddings, user_sums, item_sums, rate, shrink)
    return Embeddings(user_sums, item_sums)


@functools.cache
def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    import numba  # pyright: ignore[reportMissingImports]

    return numba.njit(
        function, fastmath=True, nogil=True, boundscheck=False, error_model="numpy"
    )


def _add_pairs(
    user: np.ndarray,
    positive: np.ndarray,
    negative: np.ndarray,
    users: np.ndarray,
    items: np.ndarray,
    user_sums: np.ndarray,
    item_sums: np.ndarray,
) -> None:
    """Adds every pair's share to the sums."""
    one = np.float32(1)
    for pair in range(user.size):
        u, j, k = (
            np.uint64(user[pair]),
            np.uint64(positive[pair]),
            np.uint64(negative[pair]),
        )
        sender, liked, other = users[u], items[j], items[k]
        sender_sum, liked_sum, other_sum = user_sums[u], item_sums[j], item_sums[k]
        margin = np.float32(0)
        for c in range(sender.size):
            margin += sender[c] * (liked[c] - other[c])
        push = one / (one + np.exp(margin))
        # Three loops, each over one row, since j and k might be the same for all that
        # the compiler knows.
        for c in range(sender.size):
            sender_sum[c] -= push * (liked[c] - other[c])
        for c in range(sender.size):
            liked_sum[c] -= push * sender[c]
        for c in range(sender.size):
            other_sum[c] += push * sender[c]


def _take_steps(
    received: np.ndarray,
    users: np.ndarray,
    items: np.ndarray,
    user_sums: np.ndarray,
    item_sums: np.ndarray,
    rate: np.float32,
    shrink: np.float32,
) -> None:
    """Puts the embeddings after both steps in place of the sums."""
    for u in range(users.shape[0]):
        before, sums = users[u], user_sums[u]
        for c in range(before.size):
            sums[c] = shrink * before[c] - rate * sums[c]
    for j in range(items.shape[0]):
        before, sums = items[j], item_sums[j]
        if received[j] == 0:
            sums[:] = before
            continue
        share = rate / received[j]
        for c in range(before.size):
            sums[c] = shrink * before[c] - share * sums[c]


ROUND_REFERENCES: Mapping[str, Callable[[Problem, Embeddings], Embeddings]] = {
    "numba": mean_numba,
    "torch": mean_torch,
}
"""Rounds by package."""
