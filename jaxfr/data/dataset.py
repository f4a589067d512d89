"""Implicit feedback, split leave-one-out: what every loader returns."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from jaxfr.errors import InvalidInputError, import_extra
from jaxfr.showing import Picture, html_table, html_text
from jaxfr.terminal import excerpt, printable

NO_TEST_ITEM = -1

HeldOut = Annotated[
    Literal["test", "validation"],
    "test: the item that results are reported for; validation: the last of the others, "
    "to choose constants by, and the test item is nowhere.",
]
"""Which of a user's items is held out."""


class Counts(NamedTuple):
    """How many users, items and pairs a published data set holds."""

    users: int
    items: int
    pairs: int


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Training pairs and one test item for each user, on the host.

    >>> users, items, test_items = np.array([0, 1]), np.array([0, 1]), np.array([2, 2])
    >>> data = fr.Dataset("tiny", 2, 3, users, items, test_items)
    >>> data.num_train_pairs
    2
    >>> data
    Dataset tiny: 2 users, 3 items, 2 training pairs, 2 test items
    >>> data.to_frame()
       user  item  held_out
    0     0     0     False
    1     1     1     False
    2     0     2      True
    3     1     2      True
    >>> data.plot()
    Picture of the item degrees of tiny

    Attributes:
        name: the name that records carry.
        num_users: number of users n; ids are 0 to n - 1.
        num_items: number of items m; ids are 0 to m - 1, and some may never occur.
        train_users: user of each training pair, ascending, int32 ``[pairs]``.
        train_items: item of each training pair, int32 ``[pairs]``; a user's items
            are distinct and stand in the order of interaction.
        test_items: each user's held-out item, int32 ``[n]``; ``NO_TEST_ITEM`` for a
            user who has none and is left out of the evaluation.
        user_ids: what the file calls each user, for messages; None: by its number.

    Raises:
        InvalidInputError: if the arrays contradict the description above.
    """

    name: str
    num_users: int
    num_items: int
    train_users: np.ndarray
    train_items: np.ndarray
    test_items: np.ndarray
    user_ids: Sequence[object] | np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuses arrays that are not what the class promises."""
        reason = _contradiction(self)
        if reason:
            raise InvalidInputError(f"{self.name}: {reason}")

    def __repr__(self) -> str:
        return (
            f"Dataset {printable(self.name)}: {self.num_users:,} users, "
            f"{self.num_items:,} items, {self.num_train_pairs:,} training pairs, "
            f"{self.num_test_items:,} test items"
        )

    def _repr_html_(self) -> str:
        from jaxfr.data.statistics import dataset_statistics, statistics_rows

        rows = statistics_rows(dataset_statistics(self))
        return html_text(repr(self)) + html_table([["statistic", "value"], *rows])

    def to_frame(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each interaction, training pairs first.

        Columns are ``user``, ``item``, and whether it is ``held_out``.

        Raises:
            InvalidInputError: if pandas is not installed.
        """
        frames = import_extra("pandas", "frames", "to_frame")
        evaluated = np.flatnonzero(self.test_items != NO_TEST_ITEM)
        return frames.DataFrame(
            {
                "user": np.concatenate([self.train_users, evaluated]),
                "item": np.concatenate([self.train_items, self.test_items[evaluated]]),
                "held_out": np.arange(self.num_pairs) >= self.num_train_pairs,
            }
        )

    def plot(self) -> Picture:
        """A picture of the degree distribution, which a notebook shows.

        Raises:
            InvalidInputError: if matplotlib is not installed.
        """
        from jaxfr.data.statistics import degree_distribution
        from jaxfr.records.degrees import draw_distribution

        def draw(path: pathlib.Path) -> None:
            draw_distribution(degree_distribution(self), self.name, path)

        return Picture(f"the item degrees of {self.name}", draw)

    def user_id(self, user: int) -> str:
        """What the file calls a user, for a message."""
        return excerpt(user if self.user_ids is None else self.user_ids[user])

    def check_counts(self, expected: "Counts") -> None:
        """Refuses a data set that is not the published one."""
        found = Counts(self.num_users, self.num_items, self.num_pairs)
        if found != expected:
            raise InvalidInputError(f"{self.name}: holds {found}, expected {expected}")

    @property
    def num_train_pairs(self) -> int:
        """Number of training pairs."""
        return len(self.train_items)

    @property
    def num_test_items(self) -> int:
        """Number of users who have a test item."""
        return int(np.sum(self.test_items != NO_TEST_ITEM))

    @property
    def num_pairs(self) -> int:
        """Number of interactions, training and test together."""
        return self.num_train_pairs + self.num_test_items

    @property
    def user_activity(self) -> np.ndarray:
        """Training items of each user, int64 ``[n]``."""
        return np.bincount(self.train_users, minlength=self.num_users)

    @property
    def item_degree(self) -> np.ndarray:
        """Training users of each item, int64 ``[m]``."""
        return np.bincount(self.train_items, minlength=self.num_items)

    @property
    def item_popularity(self) -> np.ndarray:
        """Interactions of each item, training and test together, int64 ``[m]``."""
        held_out = self.test_items[self.test_items != NO_TEST_ITEM]
        return self.item_degree + np.bincount(held_out, minlength=self.num_items)


def _contradiction(dataset: Dataset) -> str:
    """What speaks against the arrays; nothing if they are in order."""
    users, items, test = dataset.train_users, dataset.train_items, dataset.test_items
    if dataset.num_users < 1 or dataset.num_items < 2 or len(items) < 1:
        return "needs at least one user, two items and one training pair"
    if users.shape != items.shape or test.shape != (dataset.num_users,):
        return "arrays of users and items differ in length"
    if np.any(np.diff(users) < 0) or users[0] < 0 or users[-1] >= dataset.num_users:
        return "training users must ascend within 0..n-1"
    for name, found, least in (("training", items, 0), ("test", test, NO_TEST_ITEM)):
        if found.min() < least or found.max() >= dataset.num_items:
            return f"a {name} item is outside 0..m-1"
    # Sorted by hand: np.unique and np.isin are twenty times slower here.
    pairs = np.sort(users.astype(np.int64) * dataset.num_items + items)
    if np.any(pairs[1:] == pairs[:-1]):
        return "a user holds the same training item twice"
    activity = dataset.user_activity
    if activity.max() >= dataset.num_items:
        user = dataset.user_id(int(activity.argmax()))
        return f"user {user} holds every item; no negative is left"
    evaluated = np.flatnonzero(test != NO_TEST_ITEM)
    held_out = evaluated * dataset.num_items + test[evaluated]
    nearest = np.minimum(np.searchsorted(pairs, held_out), len(pairs) - 1)
    trained = pairs[nearest] == held_out
    if trained.any():
        user = dataset.user_id(int(evaluated[trained.argmax()]))
        return f"the test item of user {user} is among its user's training items"
    return ""


def contiguous_ids(values: np.ndarray) -> np.ndarray:
    """Numbers distinct values from 0 in order of first appearance, int32 ``[rows]``."""
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

    A user's interactions are ordered by timestamp, ties in the order of the rows, which
    is the order of time without timestamps; the last is the test item. A pair that is
    repeated counts once, at its first time. A user with a single interaction keeps it
    for training and has no test item. Ids are contiguous, in order of first appearance
    in the rows; ``user_ids`` has what messages call each user, by its value in
    ``users``. Training pairs stand by user, and by time within a user.

    Raises:
        InvalidInputError: if the interactions do not make up a data set.
    """
    given, users, items = users, contiguous_ids(users), contiguous_ids(items)
    num_users, num_items = (int(ids.max(initial=-1)) + 1 for ids in (users, items))
    named = np.empty(num_users, given.dtype)
    named[users] = given
    # Both sorts are stable, so that ties stay in the order of the rows.
    if timestamps is None:
        order = np.argsort(users, kind="stable")
    else:
        order = np.lexsort((timestamps, users))
    users, items = first_of_each_pair(users[order], items[order], num_items)
    train_users, train_items, test_items = _without_last(users, items, num_users)
    return Dataset(
        name=name,
        num_users=num_users,
        num_items=num_items,
        train_users=train_users,
        train_items=train_items,
        test_items=test_items,
        user_ids=named if user_ids is None else [user_ids[user] for user in named],
    )


def holding_out(dataset: Dataset, held_out: HeldOut) -> Dataset:
    """The data set as it is, or with validation items in the place of test items.

    A user's validation item is the last of its training items, which is none any
    longer. The test item is left out: whoever chooses by validation items has not seen
    it. A user with a single training item keeps it, and has no validation item.

    >>> users, items, test_items = np.array([0, 0]), np.array([2, 0]), np.array([1])
    >>> data = fr.Dataset("tiny", 1, 3, users, items, test_items)
    >>> chosen_by = holding_out(data, "validation")
    >>> chosen_by.train_items, chosen_by.test_items
    (array([2]), array([0], dtype=int32))
    """
    if held_out == "test":
        return dataset
    train_users, train_items, validation_items = _without_last(
        dataset.train_users, dataset.train_items, dataset.num_users
    )
    return dataclasses.replace(
        dataset,
        name=f"{dataset.name}:held_out={held_out}",
        train_users=train_users,
        train_items=train_items,
        test_items=validation_items,
    )


def _without_last(
    users: np.ndarray, items: np.ndarray, num_users: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs, by user, without the last of each user who has several; and these items.

    Returns:
        Users and items of the others, and of each user the item that was taken out, or
        ``NO_TEST_ITEM``.
    """
    activity = np.bincount(users, minlength=num_users)
    several = activity > 1
    last = (np.cumsum(activity) - 1)[several]
    held_out = np.full(num_users, NO_TEST_ITEM, np.int32)
    held_out[several] = items[last]
    return np.delete(users, last), np.delete(items, last), held_out


def _are_contiguous(values: np.ndarray) -> bool:
    """Whether values already are numbers in order of first appearance."""
    if values.dtype.kind not in "iu" or not len(values) or values[0] != 0:
        return False
    highest = np.maximum.accumulate(values)
    return bool(values.min() == 0 and np.all(highest[1:] <= highest[:-1] + 1))


def first_of_each_pair(
    users: np.ndarray, items: np.ndarray, num_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Drops what repeats an earlier pair; the order stays."""
    pairs = users.astype(np.int64) * num_items + items
    _, first_rows = np.unique(pairs, return_index=True)
    if len(first_rows) == len(pairs):
        return users, items
    first_rows.sort()
    return users[first_rows], items[first_rows]
