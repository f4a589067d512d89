"""The folder format of a split that is given: ``train.txt`` and ``test.txt``.

Each line is a user and its items, ``user item item ...``, as numbers from 0 with
spaces between them; ``test.txt`` has one item for each user that is evaluated.
"""

import array
import pathlib

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.errors import InvalidInputError

TRAIN_FILE = "train.txt"
TEST_FILE = "test.txt"

# A larger id is a mistake: arrays have a place for every id up to the largest.
_MAX_ID = 10**8


def read_text_pair(folder: pathlib.Path, name: str) -> Dataset:
    """Reads a data set whose split is given.

    Ids stay as they are, so that ``num_items`` is the largest id plus one. Training
    items keep the order of the file; a repeated one counts once, at its first place.

    Args:
        folder: holds both files.
        name: the name that the data set gets.

    Raises:
        InvalidInputError: if a file is missing, a line is not of the format, or the
            two files do not make up a data set.
    """
    train_users, train_items = _read(folder / TRAIN_FILE)
    test_users, test_items = _read(folder / TEST_FILE, max_items=1)
    repeated = np.flatnonzero(np.bincount(test_users) > 1)
    if len(repeated):
        raise InvalidInputError(
            f"{folder / TEST_FILE}: user {repeated[0]} has several test items; "
            "leave-one-out takes one"
        )
    num_users = _largest(train_users, test_users) + 1
    num_items = _largest(train_items, test_items) + 1
    order = np.argsort(train_users, kind="stable")
    train_users, train_items = train_users[order], train_items[order]
    _, first_rows = np.unique(train_users * num_items + train_items, return_index=True)
    first_rows.sort()
    held_out = np.full(num_users, NO_TEST_ITEM, np.int32)
    held_out[test_users] = test_items
    return Dataset(
        name=name,
        num_users=num_users,
        num_items=num_items,
        train_users=train_users[first_rows].astype(np.int32),
        train_items=train_items[first_rows].astype(np.int32),
        test_items=held_out,
    )


def _read(
    path: pathlib.Path, max_items: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the user and the item of each pair, int64 ``[pairs]`` both."""
    users, lengths, items = array.array("q"), array.array("q"), array.array("q")
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, start=1):
        try:
            ids = list(map(int, line.split()))
        except ValueError:
            ids = [-1]
        if not ids:
            continue
        if min(ids) < 0 or max(ids) > _MAX_ID:
            raise InvalidInputError(
                f"{path}, line {number}: expected `user item item ...`, whole numbers "
                f"from 0 to {_MAX_ID}"
            )
        if max_items is not None and len(ids) - 1 > max_items:
            raise InvalidInputError(
                f"{path}, line {number}: {len(ids) - 1} test items; leave-one-out "
                f"takes {max_items}"
            )
        users.append(ids[0])
        lengths.append(len(ids) - 1)
        items.extend(ids[1:])
    return (
        np.repeat(np.array(users, np.int64), np.array(lengths, np.int64)),
        np.array(items, np.int64),
    )


def _largest(first: np.ndarray, second: np.ndarray) -> int:
    return int(max(first.max(initial=-1), second.max(initial=-1)))
