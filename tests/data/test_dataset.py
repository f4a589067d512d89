import dataclasses

import numpy as np
import pytest

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
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
