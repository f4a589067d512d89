"""How many users, items and pairs a published data set must hold."""

from typing import NamedTuple

from jaxfr.data.dataset import Dataset
from jaxfr.errors import InvalidInputError


class Counts(NamedTuple):
    """Size of a data set.

    Attributes:
        users: number of user ids.
        items: number of item ids, whether they occur or not.
        pairs: number of interactions, training and test together.
    """

    users: int
    items: int
    pairs: int


def check_counts(dataset: Dataset, expected: Counts) -> None:
    """Refuses a data set that is not the published one.

    Args:
        dataset: what a loader read.
        expected: what it must have found.

    Raises:
        InvalidInputError: if any of the three numbers differs.
    """
    found = Counts(dataset.num_users, dataset.num_items, dataset.num_pairs)
    if found != expected:
        raise InvalidInputError(f"{dataset.name}: holds {found}, expected {expected}")
