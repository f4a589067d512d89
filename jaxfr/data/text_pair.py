"""The folder format of a split that is given: ``train.txt`` and ``test.txt``.

Each line is a user and its items, ``user item item ...``, as numbers from 0 with
spaces between them; ``test.txt`` has one item for each user that is evaluated.
"""

import array
import codecs
import pathlib
from typing import NamedTuple

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors

TRAIN_FILE = "train.txt"
TEST_FILE = "test.txt"

# A larger id is a mistake: arrays have a place for every id up to the largest.
_MAX_ID = 10**8


def read_text_pair(folder: pathlib.Path, name: str) -> tuple[Dataset, int]:
    """Reads a data set whose split is given.

    Ids of items stay as they are, so that ``num_items`` is the largest id plus one.
    Users are those that some line begins with, numbered in the order of their ids.
    Training items keep the order of the file; a repeated one counts once, at its first
    place.

    Args:
        folder: holds both files.
        name: the name that the data set gets.

    Returns:
        The data set, and the number of interactions in both files.

    Raises:
        InvalidInputError: if a file is missing, a line is not of the format, or the
            two files do not make up a data set.
    """
    train = _read(folder / TRAIN_FILE)
    test = _read(folder / TEST_FILE, max_items=1)
    tested, lines = np.unique(test.users, return_counts=True)
    if np.any(lines > 1):
        raise InvalidInputError(
            f"{folder / TEST_FILE}: user {tested[lines.argmax()]} has several test "
            "items; leave-one-out takes one"
        )
    user_ids = np.unique(np.concatenate([train.listed, test.listed]))
    num_items = int(max(train.items.max(initial=-1), test.items.max(initial=-1))) + 1
    train_users = np.searchsorted(user_ids, train.users)
    order = np.argsort(train_users, kind="stable")
    train_users, train_items = train_users[order], train.items[order]
    _, first_rows = np.unique(train_users * num_items + train_items, return_index=True)
    first_rows.sort()
    held_out = np.full(len(user_ids), NO_TEST_ITEM, np.int32)
    held_out[np.searchsorted(user_ids, test.users)] = test.items
    dataset = Dataset(
        name=name,
        num_users=len(user_ids),
        num_items=num_items,
        train_users=train_users[first_rows].astype(np.int32),
        train_items=train_items[first_rows].astype(np.int32),
        test_items=held_out,
        user_ids=user_ids,
    )
    return dataset, len(train.items) + len(test.items)


class _Pairs(NamedTuple):
    """What a file holds, int64 all.

    Attributes:
        listed: the user of each line, whether or not it has items.
        users: the user of each pair.
        items: the item of each pair.
    """

    listed: np.ndarray
    users: np.ndarray
    items: np.ndarray


def _read(path: pathlib.Path, max_items: int | None = None) -> _Pairs:
    users, lengths, items = array.array("q"), array.array("q"), array.array("q")
    with user_errors("read", path):
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            ids = list(map(int, line.split()))
        except ValueError:
            ids = [-1]
        if not ids:
            continue
        if min(ids) < 0 or max(ids) > _MAX_ID or b"_" in line:
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
    listed = np.array(users, np.int64)
    return _Pairs(
        listed,
        np.repeat(listed, np.array(lengths, np.int64)),
        np.array(items, np.int64),
    )
