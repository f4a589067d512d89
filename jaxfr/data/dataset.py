"""Implicit feedback, split leave-one-out: what every loader returns."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxfr.errors import InvalidInputError
from jaxfr.terminal import excerpt

NO_TEST_ITEM = -1


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Training pairs and one test item for each user, on the host.

    >>> users, items, test_items = np.array([0, 1]), np.array([0, 1]), np.array([2, 2])
    >>> data = fr.Dataset("tiny", 2, 3, users, items, test_items)
    >>> data.num_train_pairs
    2

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
        _check(self)

    def user_id(self, user: int) -> str:
        """What the file calls a user, for a message."""
        return excerpt(user if self.user_ids is None else self.user_ids[user])

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


def _check(dataset: Dataset) -> None:
    name, users, items = dataset.name, dataset.train_users, dataset.train_items
    if dataset.num_users < 1 or dataset.num_items < 2 or len(items) < 1:
        raise InvalidInputError(
            f"{name}: needs at least one user, two items and one training pair"
        )
    if users.shape != items.shape or dataset.test_items.shape != (dataset.num_users,):
        raise InvalidInputError(f"{name}: arrays of users and items differ in length")
    if np.any(np.diff(users) < 0) or users[0] < 0 or users[-1] >= dataset.num_users:
        raise InvalidInputError(f"{name}: training users must ascend within 0..n-1")
    if items.min() < 0 or items.max() >= dataset.num_items:
        raise InvalidInputError(f"{name}: a training item is outside 0..m-1")
    if dataset.test_items.min() < NO_TEST_ITEM or (
        dataset.test_items.max() >= dataset.num_items
    ):
        raise InvalidInputError(f"{name}: a test item is outside 0..m-1")
    # Sorted by hand: np.unique and np.isin are twenty times slower here.
    pairs = np.sort(users.astype(np.int64) * dataset.num_items + items)
    if np.any(pairs[1:] == pairs[:-1]):
        raise InvalidInputError(f"{name}: a user holds the same training item twice")
    activity = dataset.user_activity
    if activity.max() >= dataset.num_items:
        raise InvalidInputError(
            f"{name}: user {dataset.user_id(int(activity.argmax()))} holds every item; "
            "no negative is left"
        )
    evaluated = np.flatnonzero(dataset.test_items != NO_TEST_ITEM)
    held_out = evaluated * dataset.num_items + dataset.test_items[evaluated]
    nearest = np.minimum(np.searchsorted(pairs, held_out), len(pairs) - 1)
    trained = pairs[nearest] == held_out
    if trained.any():
        user = dataset.user_id(int(evaluated[trained.argmax()]))
        raise InvalidInputError(
            f"{name}: the test item of user {user} is among its user's training items"
        )
