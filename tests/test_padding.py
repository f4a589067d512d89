"""Groups of like size, against trying all groupings."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.padding import SizeGroup, group_by_size


def padded_total(groups: tuple[SizeGroup, ...]) -> int:
    return sum(len(group.members) * group.width for group in groups)


def least_total(sizes: list[int], max_groups: int) -> int:
    """The least padded total among all assignments of members to groups."""
    totals = []
    for assignment in itertools.product(range(max_groups), repeat=len(sizes)):
        groups = [
            [
                max(size, 1)
                for size, own in zip(sizes, assignment, strict=True)
                if own == g
            ]
            for g in range(max_groups)
        ]
        totals.append(sum(len(group) * max(group, default=0) for group in groups))
    return min(totals)


def least_total_of_cuts(sizes: np.ndarray, max_groups: int) -> float:
    """The same for many members: cuts of the sorted sizes, none left out."""
    ordered = np.sort(sizes)
    least = np.append(0.0, np.full(len(ordered), np.inf))
    for _ in range(max_groups):
        best = least.copy()
        for end in range(1, len(ordered) + 1):
            lengths = end - np.arange(end)
            best[end] = min(best[end], np.min(least[:end] + lengths * ordered[end - 1]))
        least = best
    return least[-1]


def assert_covers(groups: tuple[SizeGroup, ...], sizes: np.ndarray) -> None:
    """Every member is in one group, which is exactly as wide as it needs to be."""
    members = np.concatenate([group.members for group in groups])
    np.testing.assert_array_equal(np.sort(members), np.arange(len(sizes)))
    for group in groups:
        assert np.all(np.diff(group.members) > 0)
        assert group.width == max(sizes[group.members].max(), 1)


@given(
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    max_groups=st.integers(1, 3),
)
@settings(max_examples=50)
def test_no_other_grouping_of_few_members_pads_less(sizes, max_groups):
    groups = group_by_size(np.array(sizes), max_groups)
    assert len(groups) <= max_groups
    assert_covers(groups, np.array(sizes))
    assert padded_total(groups) == least_total(sizes, max_groups)


@given(
    sizes=st.lists(st.integers(0, 10**4), min_size=10, max_size=30).map(np.array),
    max_groups=st.integers(1, 5),
)
@settings(max_examples=50)
def test_no_other_cut_of_the_sorted_sizes_pads_less(sizes, max_groups):
    groups = group_by_size(sizes, max_groups)
    assert len(groups) <= max_groups
    assert_covers(groups, sizes)
    least = least_total_of_cuts(np.maximum(sizes, 1), max_groups)
    assert padded_total(groups) == least


def test_no_other_cut_of_as_many_sizes_as_all_are_tried_pads_less():
    sizes = np.random.default_rng(0).permutation(512) ** 2 + 1
    groups = group_by_size(sizes, 4)
    assert padded_total(groups) == least_total_of_cuts(sizes, 4)


@pytest.mark.parametrize("num_sizes", [513, 1000, 1500])
def test_many_distinct_sizes_cost_little_beyond_the_least_padding(num_sizes):
    sizes = np.random.default_rng(num_sizes).permutation(num_sizes) ** 2 + 1
    groups = group_by_size(sizes, 4)
    assert_covers(groups, sizes)
    assert padded_total(groups) <= 1.005 * least_total_of_cuts(sizes, 4)
