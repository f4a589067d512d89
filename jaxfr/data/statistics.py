"""The size, sparsity and long tail of a data set."""

from typing import NamedTuple

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset

# The paper, Fig. 2(c): an item with fewer interactions than this is in the tail.
TAIL_DEGREE = 200


class DatasetStatistics(NamedTuple):
    """The row of the paper's Table 2, and how users and items are distributed.

    An interaction counts whether it is for training or for testing. ``activity`` is how
    many items a user has, ``degree`` how many users an item has; 25 % of the items have
    at most ``lower_quartile_degree``.
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
    """The degrees that occur, ascending; how many items have each, and what share more.

    Each is ``[degrees]``; 0 is among them if an item has no user, and ``ccdf`` is the
    share of the items with at least this degree.
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


def statistics_rows(statistics: DatasetStatistics) -> list[tuple[str, str]]:
    """Statistics as a table of two columns of text."""
    activity = (
        f"{statistics.min_activity:,} / {statistics.median_activity:,g} / "
        f"{statistics.max_activity:,}"
    )
    quartiles = (
        f"{statistics.lower_quartile_degree:,g} / {statistics.median_degree:,g} / "
        f"{statistics.upper_quartile_degree:,g} / {statistics.percentile_95_degree:,g}"
    )
    return [
        ("data set", statistics.name),
        ("users", f"{statistics.num_users:,}"),
        ("items", f"{statistics.num_items:,}"),
        ("edges", f"{statistics.num_edges:,}"),
        ("sparsity", f"{statistics.sparsity_percent:.2f} %"),
        ("items per user: min / median / max", activity),
        (
            "users per item: min / max",
            f"{statistics.min_degree:,} / {statistics.max_degree:,}",
        ),
        ("users per item: 25 / 50 / 75 / 95 %", quartiles),
        (
            f"items with fewer than {TAIL_DEGREE} users",
            f"{statistics.tail_percent:.1f} %",
        ),
    ]
