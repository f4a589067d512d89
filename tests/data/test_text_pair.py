import pytest

from jaxfr.data.text_pair import read_text_pair
from jaxfr.errors import InvalidInputError


def _write(folder, train, test):
    (folder / "train.txt").write_text(train)
    (folder / "test.txt").write_text(test)


def test_ids_and_the_order_of_items_stay_as_they_are(tmp_path):
    _write(tmp_path, "1 4 0 2 \n0 3\n", "0 5\n1 1")
    dataset, _ = read_text_pair(tmp_path, "pair")
    assert (dataset.num_users, dataset.num_items) == (2, 6)
    assert dataset.train_users.tolist() == [0, 1, 1, 1]
    assert dataset.train_items.tolist() == [3, 4, 0, 2]
    assert dataset.test_items.tolist() == [5, 1]


def test_a_user_may_have_no_test_item_or_no_training_item(tmp_path):
    _write(tmp_path, "0 1 2\n1\n\n2 3 3 0\n", "1 0\n2\n")
    dataset, _ = read_text_pair(tmp_path, "pair")
    assert dataset.train_items.tolist() == [1, 2, 3, 0]
    assert dataset.test_items.tolist() == [-1, 0, -1]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    _write(tmp_path, "\ufeff0 1 2\n", "\ufeff0 0\n")
    dataset, rows = read_text_pair(tmp_path, "pair")
    assert (dataset.train_items.tolist(), dataset.test_items.tolist()) == ([1, 2], [0])
    assert rows == 3


def test_a_user_whom_no_line_names_does_not_exist(tmp_path):
    _write(tmp_path, "9 1 2\n1 3\n", "1 1\n4 2\n")
    dataset, _ = read_text_pair(tmp_path, "pair")
    assert dataset.num_users == 3
    assert [dataset.user_id(user) for user in range(3)] == ["1", "4", "9"]
    assert dataset.train_users.tolist() == [0, 2, 2]
    assert dataset.test_items.tolist() == [1, 2, -1]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ("0 1 2\n1 x\n", "0 3", r"train.txt, line 2: expected `user item item"),
        ("0 1 2\n1 -2\n", "0 3", r"train.txt, line 2"),
        ("0 1 2\n1 9999999999\n", "0 3", r"train.txt, line 2"),
        ("0 1 2\n1 " + "9" * 5000, "0 3", r"train.txt, line 2"),
        ("0 1 2\n1 2_0\n", "0 3", r"train.txt, line 2"),
        ("0 1 2\n", "0 3 4", r"test.txt, line 1: 2 test items"),
        ("0 1 2\n", "0 3\n0 4", r"test.txt: user 0 has several test items"),
        ("0 1 2\n7 1 2\n", "7 2", r"test item of user 7 is among its user's training"),
        ("0 1 2\n7 0 1 2 3\n", "0 3", r"user 7 holds every item"),
        ("", "", r"needs at least one user"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, train, test, message):
    _write(tmp_path, train, test)
    with pytest.raises(InvalidInputError, match=message) as error:
        read_text_pair(tmp_path, "pair")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"train.txt: No such file"):
        read_text_pair(tmp_path, "pair")
