"""Items in head, middle and tail."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.data.dataset import NO_TEST_ITEM
from jaxfr.evaluation.candidates import (
    GROUP_NAMES,
    NO_GROUP,
    item_degree_groups,
    user_degree_groups,
)
from tests.datasets import dataset_of

degrees = st.lists(st.integers(0, 30), min_size=2, max_size=40).filter(any)


def test_equal_thirds_are_cut_at_the_thirds():
    groups = item_degree_groups(np.array([1, 6, 2, 3, 3, 0, 3]))
    np.testing.assert_array_equal(groups, [2, 0, 2, 1, 1, 2, 2])


def test_ties_go_to_the_smaller_id():
    np.testing.assert_array_equal(item_degree_groups(np.full(6, 5)), [0, 0, 1, 1, 2, 2])


def test_an_item_that_reaches_over_a_boundary_belongs_to_the_group_it_starts_in():
    np.testing.assert_array_equal(item_degree_groups(np.array([50, 30, 20])), [0, 1, 2])
    np.testing.assert_array_equal(item_degree_groups(np.array([90, 5, 5])), [0, 2, 2])


@given(degrees)
@settings(max_examples=100)
def test_groups_follow_the_degree(item_degree):
    groups = item_degree_groups(np.array(item_degree))
    order = np.argsort(-np.array(item_degree), kind="stable")
    assert groups.dtype == np.int32
    assert np.all(np.diff(groups[order]) >= 0)
    assert set(groups) <= set(range(len(GROUP_NAMES)))


@given(degrees)
@settings(max_examples=100)
def test_head_is_the_shortest_run_that_holds_a_third_and_with_middle_two(item_degree):
    degree = np.array(item_degree)
    groups = item_degree_groups(degree)
    for last_group, thirds in ((0, 1), (1, 2)):
        inside = np.sort(degree[groups <= last_group])
        assert 3 * inside.sum() >= thirds * degree.sum()
        assert 3 * inside[1:].sum() < thirds * degree.sum()


def test_a_user_belongs_to_the_group_of_its_test_item():
    dataset = dataset_of([[0], [0, 1], [0]], 3, [2, NO_TEST_ITEM, 1])
    np.testing.assert_array_equal(item_degree_groups(dataset.item_degree), [0, 2, 2])
    np.testing.assert_array_equal(user_degree_groups(dataset), [2, NO_GROUP, 2])
