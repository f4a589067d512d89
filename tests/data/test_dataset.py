"""What a data set is, and how rows of interactions become one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.data.dataset import (
    NO_TEST_ITEM,
    Counts,
    Dataset,
    contiguous_ids,
    holding_out,
    leave_one_out,
)
from jaxfr.errors import InvalidInputError

VALID = Dataset(
    name="made up",
    num_users=3,
    num_items=5,
    train_users=np.array([0, 0, 1, 2], np.int32),
    train_items=np.array([4, 1, 1, 0], np.int32),
    test_items=np.array([2, 0, NO_TEST_ITEM], np.int32),
)


def test_pairs_are_counted_with_and_without_the_test_items():
    assert (VALID.num_train_pairs, VALID.num_pairs) == (4, 6)
    assert VALID.user_activity.tolist() == [2, 1, 1]
    assert VALID.item_degree.tolist() == [1, 2, 0, 0, 1]
    assert VALID.item_popularity.tolist() == [2, 2, 1, 0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_items": 1}, "at least one user, two items"),
        ({"train_items": np.array([4, 1, 1])}, "differ in length"),
        ({"test_items": np.array([2, 0])}, "differ in length"),
        ({"train_users": np.array([0, 1, 0, 2])}, "must ascend"),
        ({"train_users": np.array([0, 0, 1, 3])}, "must ascend"),
        ({"train_items": np.array([4, 1, 1, 5])}, "a training item is outside"),
        ({"test_items": np.array([2, 5, -1])}, "a test item is outside"),
        ({"test_items": np.array([2, -2, -1])}, "a test item is outside"),
        ({"train_items": np.array([4, 4, 1, 0])}, "same training item twice"),
        (
            {"test_items": np.array([4, 0, -1])},
            "test item of user 0 is among its user's training",
        ),
        ({"test_items": np.array([-1, -1, 0])}, "among its user's training items"),
        (
            {
                "num_items": 2,
                "train_items": np.array([0, 1, 1, 0]),
                "test_items": np.full(3, -1),
            },
            "holds every item",
        ),
    ],
)
def test_arrays_that_contradict_the_description_are_refused(changes, message):
    with pytest.raises(InvalidInputError, match=message):
        dataclasses.replace(VALID, **changes)


def test_only_the_published_size_is_accepted_and_both_are_named():
    VALID.check_counts(Counts(3, 5, 6))
    for expected in ((4, 5, 6), (3, 6, 6), (3, 5, 7)):
        told = r"made up: holds .*pairs=6\).*expected"
        with pytest.raises(InvalidInputError, match=told):
            VALID.check_counts(Counts(*expected))


# --- leave one out ---

ROWS = st.lists(
    st.tuples(
        st.integers(-3, 5), st.integers(0, 30), st.sampled_from([0.0, 1.5, 2.0, 9.0])
    ),
    min_size=1,
    max_size=60,
).filter(lambda rows: all(_leaves_a_negative(rows)))


def _leaves_a_negative(rows):
    items = {item for _, item, _ in rows}
    for user in {user for user, _, _ in rows}:
        own = {item for u, item, _ in rows if u == user}
        yield len(items) >= 2 and (len(own) == 1 or len(own) <= len(items))


def _split(rows, timed=True) -> Dataset:
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    return leave_one_out("made up", users, items, times if timed else None)


def _oracle(rows):
    """The same split, user by user, in plain Python."""
    user_ids = {u: i for i, u in enumerate(dict.fromkeys(row[0] for row in rows))}
    item_ids = {v: i for i, v in enumerate(dict.fromkeys(row[1] for row in rows))}
    training, test = [], []
    for user in user_ids:
        own = sorted((row for row in rows if row[0] == user), key=lambda row: row[2])
        items = [item_ids[item] for item in dict.fromkeys(row[1] for row in own)]
        test.append(items.pop() if len(items) > 1 else NO_TEST_ITEM)
        training += [(user_ids[user], item) for item in items]
    return training, test


def test_values_are_numbered_in_order_of_first_appearance():
    assert contiguous_ids(np.array(["b", "c", "b", "a"])).tolist() == [0, 1, 0, 2]
    assert contiguous_ids(np.array([7, 3, 3, 0])).tolist() == [0, 1, 1, 2]


def test_the_last_item_by_time_is_held_out_and_ties_go_by_file_order():
    rows = [(1, 10, 5), (1, 11, 9), (1, 12, 9), (1, 13, 1), (2, 10, 1), (2, 14, 0)]
    dataset = _split(rows)
    assert dataset.train_items.tolist() == [3, 0, 1, 4]
    assert dataset.train_users.tolist() == [0, 0, 0, 1]
    assert dataset.test_items.tolist() == [2, 0]


def test_without_timestamps_file_order_is_the_order_of_time():
    rows = [(0, 5, 3), (1, 8, 3), (0, 6, 2), (0, 7, 1), (1, 5, 0)]
    dataset = _split(rows, timed=False)
    assert dataset.test_items.tolist() == [3, 0]


@given(ROWS)
def test_the_split_equals_one_made_user_by_user(rows):
    dataset = _split(rows)
    training, test = _oracle(rows)
    found = zip(dataset.train_users.tolist(), dataset.train_items.tolist(), strict=True)
    assert list(found) == training
    assert dataset.test_items.tolist() == test


@given(ROWS)
def test_a_validation_item_is_the_last_training_item_and_the_test_item_is_nowhere(rows):
    dataset = _split(rows)
    found = holding_out(dataset, "validation")
    assert holding_out(dataset, "test") is dataset
    for user in range(dataset.num_users):
        *others, last = dataset.train_items[dataset.train_users == user].tolist()
        kept = found.train_items[found.train_users == user].tolist()
        if others:
            assert (kept, found.test_items[user]) == (others, last)
        else:
            assert (kept, found.test_items[user]) == ([last], NO_TEST_ITEM)
