"""The size, sparsity and long tail of a data set."""

import dataclasses
from typing import NamedTuple

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset

# The paper, Fig. 2(c): an item with fewer interactions than this is in the tail.
TAIL_DEGREE = 200


@dataclasses.dataclass(frozen=True)
class DatasetStatistics:
    """The row of the paper's Table 2, and how users and items are distributed.

    An interaction counts whether it is for training or for testing.

    Attributes:
        name: name of the data set.
        num_users: number of users.
        num_items: number of item ids, those that never occur included.
        num_edges: number of distinct (user, item) pairs.
        sparsity_percent: share of all possible pairs that are absent, in percent.
        min_activity: fewest interactions of a user.
        median_activity: median of the interactions of a user.
        max_activity: most interactions of a user.
        min_degree: fewest users of an item.
        lower_quartile_degree: 25 % of the items have at most this many users.
        median_degree: median of the users of an item.
        upper_quartile_degree: 75 % of the items have at most this many users.
        percentile_95_degree: 95 % of the items have at most this many users.
        max_degree: most users of an item.
        tail_percent: share of the items with fewer than ``TAIL_DEGREE`` users, in
            percent.
    """

    name: str
    num_users: int
    num_items: int
    num_edges: int
    sparsity_percent: float
    min_activity: int
    median_activity: float
    max_activity: int
    min_degree: int
    lower_quartile_degree: float
    median_degree: float
    upper_quartile_degree: float
    percentile_95_degree: float
    max_degree: int
    tail_percent: float


class DegreeDistribution(NamedTuple):
    """How many items have which degree.

    Attributes:
        degree: the degrees that occur, ascending, 0 included if an item has no user,
            int64 ``[degrees]``.
        num_items: number of items of each degree, int64 ``[degrees]``.
        ccdf: share of the items with at least this degree, float64 ``[degrees]``.
    """

    degree: np.ndarray
    num_items: np.ndarray
    ccdf: np.ndarray


def dataset_statistics(dataset: Dataset) -> DatasetStatistics:
    """Computes the statistics of a data set."""
    activity = dataset.user_activity + (dataset.test_items != NO_TEST_ITEM)
    degree = dataset.item_popularity
    possible_pairs = dataset.num_users * dataset.num_items
    quartiles = np.quantile(degree, [0.25, 0.5, 0.75, 0.95])
    return DatasetStatistics(
        name=dataset.name,
        num_users=dataset.num_users,
        num_items=dataset.num_items,
        num_edges=dataset.num_pairs,
        sparsity_percent=100 * (1 - dataset.num_pairs / possible_pairs),
        min_activity=int(activity.min()),
        median_activity=float(np.median(activity)),
        max_activity=int(activity.max()),
        min_degree=int(degree.min()),
        lower_quartile_degree=float(quartiles[0]),
        median_degree=float(quartiles[1]),
        upper_quartile_degree=float(quartiles[2]),
        percentile_95_degree=float(quartiles[3]),
        max_degree=int(degree.max()),
        tail_percent=100 * float(np.mean(degree < TAIL_DEGREE)),
    )


def degree_distribution(dataset: Dataset) -> DegreeDistribution:
    """Counts the items of each degree, training and test interactions together."""
    degree, num_items = np.unique(dataset.item_popularity, return_counts=True)
    at_least = np.cumsum(num_items[::-1])[::-1]
    return DegreeDistribution(degree, num_items, at_least / dataset.num_items)
