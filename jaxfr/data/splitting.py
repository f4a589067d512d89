"""Leave-one-out: a table of interactions becomes a training and a test set."""

from collections.abc import Sequence

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset


def contiguous_ids(values: np.ndarray) -> np.ndarray:
    """Numbers distinct values from 0 in order of first appearance.

    Args:
        values: anything that can be sorted, ``[rows]``.

    Returns:
        The number of each value, int32 ``[rows]``.
    """
    if _are_contiguous(values):
        return values.astype(np.int32)
    _, first_rows, inverse = np.unique(values, return_index=True, return_inverse=True)
    numbers = np.empty(len(first_rows), np.int32)
    numbers[np.argsort(first_rows)] = np.arange(len(first_rows), dtype=np.int32)
    return numbers[inverse]


def leave_one_out(
    name: str,
    users: np.ndarray,
    items: np.ndarray,
    timestamps: np.ndarray | None = None,
    user_ids: Sequence[object] | None = None,
) -> Dataset:
    """Holds out the last item of every user.

    A user's interactions are ordered by timestamp, ties in the order of the rows; the
    last is the test item. A pair that is repeated counts once, at its first time. A
    user with a single interaction keeps it for training and has no test item. Ids are
    contiguous, in order of first appearance in the rows.

    Args:
        name: the name that the data set gets.
        users: user of each interaction, in file order, ``[rows]``.
        items: item of each interaction, ``[rows]``.
        timestamps: time of each interaction, ``[rows]``; None if the order of the
            rows is the order of time.
        user_ids: what messages call each user, by its value in ``users``; None: that
            value itself.

    Returns:
        The data set; its training pairs stand by user, and by time within a user.

    Raises:
        InvalidInputError: if the interactions do not make up a data set.
    """
    given, users, items = users, contiguous_ids(users), contiguous_ids(items)
    num_users, num_items = _size(users), _size(items)
    named = np.empty(num_users, given.dtype)
    named[users] = given
    # Both sorts are stable, so that ties stay in the order of the rows.
    if timestamps is None:
        order = np.argsort(users, kind="stable")
    else:
        order = np.lexsort((timestamps, users))
    users, items = _drop_repeated_pairs(users[order], items[order], num_items)
    activity = np.bincount(users, minlength=num_users)
    last_rows = np.cumsum(activity) - 1
    has_test = activity > 1
    test_items = np.full(num_users, NO_TEST_ITEM, np.int32)
    test_items[has_test] = items[last_rows[has_test]]
    is_training = np.ones(len(users), bool)
    is_training[last_rows[has_test]] = False
    return Dataset(
        name=name,
        num_users=num_users,
        num_items=num_items,
        train_users=users[is_training],
        train_items=items[is_training],
        test_items=test_items,
        user_ids=named if user_ids is None else [user_ids[user] for user in named],
    )


def _are_contiguous(values: np.ndarray) -> bool:
    """Whether values already are numbers in order of first appearance."""
    if values.dtype.kind not in "iu" or not len(values) or values[0] != 0:
        return False
    highest = np.maximum.accumulate(values)
    return bool(values.min() == 0 and np.all(highest[1:] <= highest[:-1] + 1))


def _drop_repeated_pairs(
    users: np.ndarray, items: np.ndarray, num_items: int
) -> tuple[np.ndarray, np.ndarray]:
    pairs = users.astype(np.int64) * num_items + items
    _, first_rows = np.unique(pairs, return_index=True)
    if len(first_rows) == len(pairs):
        return users, items
    first_rows.sort()
    return users[first_rows], items[first_rows]


def _size(ids: np.ndarray) -> int:
    return int(ids.max(initial=-1)) + 1
