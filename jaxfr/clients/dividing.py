"""The clients divided among devices, each part a data set of its own.

Devices work in lockstep on arrays of one shape, so parts are filled up to the longest.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from jaxfr.data.dataset import Dataset
from jaxfr.shapes import Int

T = TypeVar("T")


class ClientPart(NamedTuple):
    """Some clients that follow one another, numbered from 0.

    Attributes:
        client_ids: their numbers among all clients.
        pair_ids: the numbers of their training pairs among all.
    """

    dataset: Dataset
    client_ids: Int[np.ndarray, " clients"]
    pair_ids: Int[np.ndarray, " pairs"]


def divide_clients(
    dataset: Dataset, work: Int[np.ndarray, " n"], most_parts: int
) -> tuple[ClientPart, ...]:
    """Divides the clients into runs of about the same work.

    Args:
        work: that of each client, 0 for one without training pairs.
        most_parts: number of parts, less where fewer clients have training pairs.
    """
    clients, pairs = np.arange(dataset.num_users), np.arange(dataset.num_train_pairs)
    working = np.flatnonzero(work)
    number = min(most_parts, working.size)
    if number == 1:
        return (ClientPart(dataset, clients, pairs),)
    done = np.cumsum(work[working])
    index = np.arange(1, number)
    cuts = np.searchsorted(done, index * done[-1] / number) + 1
    # At least one client with work in each part.
    cuts = np.maximum.accumulate(cuts - index) + index
    cuts = np.minimum(cuts, working.size - number + index)
    begins = working[cuts]
    return tuple(
        _part(dataset, clients[first:end])
        for first, end in zip(
            np.append(0, begins), np.append(begins, dataset.num_users), strict=True
        )
    )


def _part(dataset: Dataset, client_ids: np.ndarray) -> ClientPart:
    first, end = client_ids[0], client_ids[-1] + 1
    begin, stop = np.searchsorted(dataset.train_users, [first, end])
    part = Dataset(
        name=dataset.name,
        num_users=len(client_ids),
        num_items=dataset.num_items,
        train_users=dataset.train_users[begin:stop] - first,
        train_items=dataset.train_items[begin:stop],
        test_items=dataset.test_items[first:end],
    )
    return ClientPart(part, client_ids, np.arange(begin, stop))


def join_parts(parts: Sequence[T], number: int) -> T:
    """Puts the arrays of all parts one behind the other, each filled to one length.

    Filling repeats the last entry, so that numbers stay in range and in order; marks
    (bool) are False in it. A part that is missing is all filling, of zeros.

    Args:
        parts: pytrees of arrays of one structure, which differ in their first axis.
    """
    if number == 1:
        return parts[0]
    nothing = jax.tree.map(lambda leaf: np.asarray(leaf)[:0], parts[0])
    parts = [*parts, *[nothing] * (number - len(parts))]

    def join(*leaves: Any) -> np.ndarray:
        length = max(leaf.shape[0] for leaf in leaves)
        return np.concatenate([_fill(np.asarray(leaf), length) for leaf in leaves])

    return jax.tree.map(join, *parts)


def _fill(leaf: np.ndarray, length: int) -> np.ndarray:
    missing = [(0, length - leaf.shape[0]), *[(0, 0)] * (leaf.ndim - 1)]
    repeat = leaf.dtype != bool and leaf.shape[0] > 0
    return np.pad(leaf, missing, mode="edge" if repeat else "constant")
