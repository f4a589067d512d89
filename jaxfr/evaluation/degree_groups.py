"""Head, middle and tail: items grouped by their share of the interactions."""

import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset

GROUP_NAMES = ("head", "middle", "tail")

# The group of a user without a test item: outside every group.
NO_GROUP = -1


def item_degree_groups(item_degree: np.ndarray) -> np.ndarray:
    """Groups items so that each group holds about a third of the interactions.

    The items are sorted by training degree, descending, ties by ascending id. With
    ``before`` the interactions of all items that come before an item, and ``total``
    those of all items, the item's group is ``floor(3 before / total)``, at most 2. So
    the head is the shortest run of most popular items that holds a third of the
    interactions or more, head and middle together are the shortest that holds two
    thirds, and the tail is the rest, items without a training interaction included.
    Groups differ widely in their number of items, and hold similar numbers of uploads.

    Args:
        item_degree: training interactions of each item, int ``[m]``, not all zero.

    Returns:
        Index into ``GROUP_NAMES`` for each item, int32 ``[m]``.
    """
    degree = np.asarray(item_degree, np.int64)
    order = np.argsort(-degree, kind="stable")
    sorted_degree = degree[order]
    before = np.cumsum(sorted_degree) - sorted_degree
    last = len(GROUP_NAMES) - 1
    groups = np.empty(len(degree), np.int32)
    groups[order] = np.minimum(len(GROUP_NAMES) * before // degree.sum(), last)
    return groups


def user_degree_groups(dataset: Dataset) -> np.ndarray:
    """Returns each user's group, which is that of its test item.

    Args:
        dataset: the data that is evaluated.

    Returns:
        Index into ``GROUP_NAMES``, or ``NO_GROUP`` for a user without a test item,
        int32 ``[n]``.
    """
    groups = item_degree_groups(dataset.item_degree)[dataset.test_items]
    return np.where(dataset.test_items == NO_TEST_ITEM, NO_GROUP, groups)
