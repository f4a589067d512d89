"""One clean round of FedMF, written for other array packages, to time jaxfr against.

Every function computes the round that jaxfr computes under the mean (or under norm
clipping) with plain gradient steps on both sides. With ``push = sigma(s_k - s_j)`` for
a pair (j, k) of client u, and ``g_j`` the sum of ``-push`` over the pairs in which j is
the positive and of ``push`` over those in which it is the negative::

    u   <- u   - eta (sum over pairs of -push (v_j - v_k) + lambda u)
    v_j <- v_j - eta (sum over clients of g_j u / number of clients + lambda v_j)

where an item that no client uploads stays as it is.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from jaxfr.benchmarking.reference_loop import compiled, round_by_loops
from jaxfr.benchmarking.reference_problem import Embeddings, Problem
from jaxfr.errors import InvalidInputError

# Rows that NumPy works on at once; what they make on the way stays in the cache.
_BLOCK = 4096


def require(package: str) -> Any:
    """Imports an optional package.

    Raises:
        InvalidInputError: if it is missing; names it.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InvalidInputError(
            f"the reference {package} needs pip install 'jaxfr[benchmark]'"
        ) from None


def mean_numpy(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """The round under the mean: blocks of array operations and ``reduceat``.

    (``np.add.at`` takes seven times as long as a sum in sorted blocks.)
    """
    push, user_sums = _push_numpy(problem, embeddings)
    slope = _row_slopes(problem, push)
    item_sums = np.zeros_like(embeddings.items)
    for rows in _blocks(problem.by_item):
        parts = slope[rows, None] * embeddings.users[problem.row_user[rows]]
        _add_sorted(item_sums, problem.row_item[rows], parts)
    return _step(problem, embeddings, user_sums, item_sums)


def norm_numpy(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """The round under norm clipping: every row is built, measured and scaled."""
    push, user_sums = _push_numpy(problem, embeddings)
    slope = _row_slopes(problem, push)
    item_sums = np.zeros_like(embeddings.items)
    for rows in _blocks(problem.by_item):
        item = problem.row_item[rows]
        parts = slope[rows, None] * embeddings.users[problem.row_user[rows]]
        parts += problem.regularization * embeddings.items[item]
        norm = np.sqrt(np.einsum("rd,rd->r", parts, parts))
        parts *= np.minimum(1, problem.clip_norm / np.maximum(norm, 1e-30))[:, None]
        _add_sorted(item_sums, item, parts)
    # The rows hold the regulariser already.
    item_sums -= problem.regularization * problem.received[:, None] * embeddings.items
    return _step(problem, embeddings, user_sums, item_sums)


def mean_scipy(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """The round under the mean: the sums are products with sparse matrices."""
    sparse = require("scipy.sparse")
    users, items = embeddings
    push = np.concatenate(
        [
            _sigmoid(-_margins(problem, embeddings, block)[0])
            for block in _blocks(np.arange(problem.users.size))
        ]
    )
    starts = np.searchsorted(problem.users, np.arange(len(users) + 1))
    shape = len(users), len(items)
    user_sums = sparse.csr_matrix((push, problem.negatives, starts), shape) @ items
    user_sums -= sparse.csr_matrix((push, problem.positives, starts), shape) @ items
    order = problem.by_item
    starts = np.append(0, np.cumsum(problem.received, dtype=np.int64))
    entries = _row_slopes(problem, push)[order], problem.row_user[order], starts
    item_sums = sparse.csr_matrix(entries, shape[::-1]) @ users
    return _step(problem, embeddings, user_sums, item_sums)


def mean_torch(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """The round under the mean: ``index_select`` and ``index_add_``.

    (Both are several times as fast as ``table[index]`` and ``index_put_``.)
    """
    torch = require("torch")
    users, items = map(torch.from_numpy, embeddings)
    user, positive, negative = (torch.from_numpy(ids).long() for ids in problem[:3])
    sender = users.index_select(0, user)
    difference = items.index_select(0, positive) - items.index_select(0, negative)
    push = torch.sigmoid(-(sender * difference).sum(dim=1))[:, None]
    parts = push * sender
    user_sums = torch.zeros_like(users).index_add_(0, user, push * difference, alpha=-1)
    item_sums = torch.zeros_like(items).index_add_(0, positive, parts, alpha=-1)
    item_sums.index_add_(0, negative, parts)
    return _step(problem, embeddings, user_sums.numpy(), item_sums.numpy())


def mean_numba(problem: Problem, embeddings: Embeddings) -> Embeddings:
    """The round under the mean: compiled loops, see ``reference_loop``."""
    require("numba")
    return round_by_loops(compiled, problem, embeddings)


def _push_numpy(
    problem: Problem, embeddings: Embeddings
) -> tuple[np.ndarray, np.ndarray]:
    """Each pair's push ``[p]``, and each client's sum over pairs ``[n, d]``."""
    push = np.empty(problem.users.size, np.float32)
    user_sums = np.zeros_like(embeddings.users)
    for block in _blocks(np.arange(problem.users.size)):
        margin, difference = _margins(problem, embeddings, block)
        push[block] = _sigmoid(-margin)
        parts = -push[block, None] * difference
        _add_sorted(user_sums, problem.users[block], parts)
    return push, user_sums


def _margins(
    problem: Problem, embeddings: Embeddings, pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """``s_j - s_k`` and ``v_j - v_k`` of some pairs."""
    positive, negative = problem.positives[pairs], problem.negatives[pairs]
    difference = embeddings.items[positive] - embeddings.items[negative]
    sender = embeddings.users[problem.users[pairs]]
    return np.einsum("pd,pd->p", sender, difference), difference


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _row_slopes(problem: Problem, push: np.ndarray) -> np.ndarray:
    """``g_j`` of each row, float32 ``[rows]``."""
    merged = np.bincount(problem.negative_row, push)
    return np.concatenate([-push, merged.astype(np.float32)])


def _add_sorted(sums: np.ndarray, index: np.ndarray, parts: np.ndarray) -> None:
    """Adds ``parts`` to the rows of ``sums`` that the ascending ``index`` names."""
    starts = np.flatnonzero(np.append(True, index[1:] != index[:-1]))
    sums[index[starts]] += np.add.reduceat(parts, starts, axis=0)


def _step(
    problem: Problem,
    embeddings: Embeddings,
    user_sums: np.ndarray,
    item_sums: np.ndarray,
) -> Embeddings:
    """The server's division, both regularisers, and both steps."""
    users, items = embeddings
    rate, regularization = problem.learning_rate, problem.regularization
    received = problem.received[:, None]
    item_gradient = item_sums / np.maximum(received, 1) + regularization * items
    return Embeddings(
        users - rate * (user_sums + regularization * users),
        np.where(received > 0, items - rate * item_gradient, items),
    )


def _blocks(order: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, order.size, _BLOCK):
        yield order[start : start + _BLOCK]


RoundReference = Callable[[Problem, Embeddings], Embeddings]

ROUND_REFERENCES: Mapping[str, Mapping[str, RoundReference]] = {
    "mean": {
        "numpy": mean_numpy,
        "scipy": mean_scipy,
        "numba": mean_numba,
        "torch": mean_torch,
    },
    "norm": {"numpy": norm_numpy},
}
"""Rounds by aggregator and package."""
