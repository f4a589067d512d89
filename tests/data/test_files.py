"""A user's own files: tables by their endings, Parquet, and a split that is given."""

import contextlib
import datetime
import gzip
import json
import os
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxfr.data.columns import TableOptions
from jaxfr.data.files import load_path, read_text_pair
from jaxfr.errors import InvalidInputError

ROWS = [("ann", 5, 30), ("bob", 6, 10), ("ann", 7, 20), ("ann", 6, 40), ("bob", 5, 0)]
ROWS = [(user, item, 10**9 + time) for user, item, time in ROWS]


def _write_text(path, separator, header=""):
    lines = [separator.join(map(str, row)) for row in ROWS]
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8-sig")


def _write_parquet(path, times=None, **columns):
    users, items, numbers = map(list, zip(*ROWS, strict=True))
    times = numbers if times is None else times
    names = {"user": users, "item": items, "timestamp": times} | columns
    pq.write_table(pa.table(names), path, row_group_size=2)


def _assert_is_the_data_set(dataset):
    assert dataset.name == "mine"
    assert dataset.train_items.tolist() == [2, 0, 0]
    assert dataset.test_items.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("ending", "separator"),
    [
        *[("csv", ","), ("tsv", "\t"), ("inter", "\t"), ("data", "\t"), ("CSV", ",")],
        *[("csv", ";"), ("csv", "\t"), ("dat", "::")],
        *(("txt", one) for one in ("\t", ",", ";", "|", "::", " ", "   ")),
    ],
)
def test_the_separator_is_told_by_the_ending_or_found(tmp_path, ending, separator):
    path, packed = tmp_path / f"mine.{ending}", tmp_path / f"mine.{ending}.gz"
    for header in ("", separator.join(["user", "item", "time\n"])):
        _write_text(path, separator, header)
        packed.write_bytes(gzip.compress(path.read_bytes()))
        _assert_is_the_data_set(load_path(path))
        _assert_is_the_data_set(load_path(packed))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "cannot read .*Not a gzipped file"),
        (gzip.compress(b"user,item\n1,2\n", mtime=0)[:-12], "is damaged"),
        (gzip.compress(b"1,2\n" * 9, mtime=0)[:12] + b"xxxxxxxx", "is damaged"),
    ],
)
def test_a_damaged_packed_file_is_refused(tmp_path, content, message):
    path = tmp_path / "mine.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message) as error:
        load_path(path)
    assert "\n" not in str(error.value)


def test_a_parquet_file_gives_the_same_data_set(tmp_path):
    path = tmp_path / "mine.parquet"
    _write_parquet(path)
    _assert_is_the_data_set(load_path(path))
    days = [datetime.datetime(2020, 1, 1 + row[2] % 100 // 10) for row in ROWS]
    _write_parquet(path, times=days, rating=[None] * len(ROWS))
    _assert_is_the_data_set(load_path(path))
    _write_parquet(path, times=[day.isoformat() for day in days])
    _assert_is_the_data_set(load_path(path))


@pytest.mark.parametrize("stars", [[1, 2, 3, 4, 5], ["1", "2.0", "3", "4", "5"]])
def test_rows_of_a_parquet_file_that_are_rated_too_low_are_left_out(tmp_path, stars):
    path = tmp_path / "mine.parquet"
    _write_parquet(path, stars=stars)
    dataset = load_path(path, TableOptions(min_rating=2.5))
    assert (dataset.num_users, dataset.num_items, dataset.num_pairs) == (2, 3, 3)
    with pytest.raises(InvalidInputError, match="min_rating=6: no row is rated so"):
        load_path(path, TableOptions(min_rating=6))
    _write_parquet(path, stars=[*stars[:4], None])
    with pytest.raises(InvalidInputError, match="row 5: a rating that is not a number"):
        load_path(path, TableOptions(min_rating=1))


@pytest.mark.parametrize("name", ["__index_level_0__", "time", "user"])
def test_the_index_of_a_pandas_table_is_no_column_unless_it_is_named(tmp_path, name):
    path = tmp_path / "mine.parquet"
    users, items, numbers = map(list, zip(*ROWS, strict=True))
    other = "user_id" if name == "user" else "user"
    table = pa.table(
        {other: users, "item": items, "when": numbers, name: numbers[::-1]}
    )
    metadata = {"index_columns": [name], "columns": [], "column_indexes": []}
    pq.write_table(
        table.replace_schema_metadata({"pandas": json.dumps(metadata)}), path
    )
    _assert_is_the_data_set(load_path(path))
    named = TableOptions(time_column=name)
    assert load_path(path, named).test_items.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item": [1, 2, 3, None, 5]}, r"row 4: a value is missing"),
        (
            {"times": ["a", "b", "c", "d", "e"]},
            r"row 1: a timestamp that is not a number",
        ),
        (
            {"times": [*["2001-09-09"] * 4, "9"]},
            r"row 5: a timestamp that is not a date",
        ),
        ({"times": [[1]] * 5}, r"must be finite numbers"),
        ({"user": [1.0, 2.0, float("nan"), 1.0, 2.0]}, r"row 3: a value is missing"),
        ({"times": [1.0, float("nan"), 2.0, 3.0, 4.0]}, r"row 2: a value is missing"),
        ({"times": [1.0, float("inf"), 2.0, 3.0, 4.0]}, r"must be finite numbers"),
    ],
)
def test_a_parquet_column_that_cannot_be_used_is_refused(tmp_path, columns, message):
    path = tmp_path / "mine.parquet"
    _write_parquet(path, **columns)
    with pytest.raises(InvalidInputError, match=message):
        load_path(path)


def test_a_damaged_parquet_file_is_refused(tmp_path):
    path = tmp_path / "mine.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(InvalidInputError, match="cannot be read") as error:
        load_path(path)
    assert "\n" not in str(error.value)


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "mine.parquet").touch()
    with pytest.raises(InvalidInputError, match=r"pip install 'jaxfr\[parquet\]'"):
        load_path(tmp_path / "mine.parquet")


def test_a_folder_is_a_split_that_is_given(tmp_path):
    (tmp_path / "train.txt").write_text("0 1 2\n1 0\n")
    (tmp_path / "test.txt").write_text("0 0\n")
    dataset = load_path(tmp_path)
    assert dataset.name == tmp_path.name
    assert dataset.test_items.tolist() == [0, -1]


@pytest.mark.parametrize("name", ["mine.xlsx", "mine", "x.parquet.gz", "x.gz"])
def test_another_ending_is_refused_and_the_allowed_ones_are_named(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InvalidInputError, match=r"must end in \.csv, \.tsv.*\.parquet"):
        load_path(tmp_path / name)


def test_a_folder_without_the_two_files_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"must hold train.txt and test.txt"):
        load_path(tmp_path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"user,item\n\xff\xfe,1\n")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        load_path(path)


def _told(path, **options):
    lines: list[str] = []
    load_path(path, TableOptions(**options), lines.append)
    return lines


def test_a_line_each_tells_what_was_read_of_a_table_and_what_has_no_part(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("member,book,stars\n1,5,3\n1,6,2\n1,5,1\n2,7,1\n1,8,0.5\n")
    first = (
        f"jaxfr: {path}: user=member (column 1), item=book (column 2), time=none (file "
        "order decides), rating=stars (column 3), which"
    )
    assert _told(path) == [
        f"{first} is dropped; 5 interactions read, 4 kept; 2 users, 4 items",
        *(
            f"jaxfr: {path}: {line}"
            for line in (
                "interactions that repeat one of their user and item, left out: 1",
                "users with a single interaction, trained but not evaluated: 1",
                "items in the test set only, on which no user trains: 1",
            )
        ),
    ]
    assert _told(path, min_rating=1.0)[:2] == [
        f"{first} must be 1 or more; 5 interactions read, 3 kept; 2 users, 3 items",
        f"jaxfr: {path}: interactions rated too low, left out: 1",
    ]
    path.write_text("1,5\n1,6\n2,6\n2,5\n3,7\n3,5\n")
    assert len(_told(path)) == 1


def test_users_are_told_of_whose_last_item_the_order_of_rows_decides(tmp_path):
    path = tmp_path / "mine.csv"
    rows = {
        # Two items at the end; one, for the other is repeated and counts before.
        1: [(5, 10), (6, 20), (7, 20)],
        2: [(5, 10), (6, 20), (5, 20)],
        3: [(5, 10), (6, 10), (7, 20)],
        4: [(5, 30), (6, 30)],
    }
    lines = [f"{u},{i},{t}" for u, some in rows.items() for i, t in some]
    path.write_text("\n".join(["user,item,timestamp", *lines]))
    (line,) = [line for line in _told(path) if "last time" in line]
    assert line.endswith(
        "users with several items at their last time, of which the last row is the "
        "test item: 2"
    )


def test_lines_tell_what_was_read_of_a_folder(tmp_path):
    (tmp_path / "train.txt").write_text("1 2 3 3\n4 2\n")
    (tmp_path / "test.txt").write_text("1 5\n")
    assert _told(tmp_path) == [
        f"jaxfr: {tmp_path}: {line}"
        for line in (
            "users and items as in the file; 5 interactions read, 4 kept; 2 users, 6 "
            "items",
            "interactions that repeat one of their user and item, left out: 1",
            "users without a test item, trained but not evaluated: 1",
            "items in the test set only, on which no user trains: 1",
            "items without an interaction: 3",
        )
    ]


def test_options_of_a_table_are_refused_for_a_folder(tmp_path):
    with pytest.raises(InvalidInputError, match="time_column='3': is for a table"):
        _told(tmp_path, time_column="3")


def test_a_header_that_names_nothing_may_be_said_to_be_one_or_none(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("foo,bar\nann,x\nann,y\nbob,z\n")
    assert "4 interactions" in _told(path, header="no")[0]
    assert "user=foo" in _told(path, header="yes")[0]
    assert "user=bar" in _told(path, user_column="bar")[0]


@pytest.mark.parametrize("name", ["mine.csv", "mine.parquet"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(InvalidInputError, match="is not a regular file"):
        load_path(tmp_path / name)


def test_a_file_that_may_not_be_read_is_told_of_with_the_reason(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "mine.csv"
    path.touch()
    monkeypatch.setattr(pathlib.Path, "open", refuse)
    with pytest.raises(InvalidInputError, match=r"cannot read .*: Permission denied"):
        load_path(path)


def test_a_parquet_file_with_a_damaged_byte_is_read_or_refused(tmp_path):
    """Also where it names a value that its dictionary lacks."""
    users = pa.array([*"abcdef"]).dictionary_encode()
    columns = {"user": users, "item": [*range(5), 0], "timestamp": [10**9] * 6}
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path, compression="none")
    content = path.read_bytes()
    for place in range(4, 64):
        damaged = bytearray(content)
        damaged[place] ^= 8
        path.write_bytes(damaged)
        with contextlib.suppress(InvalidInputError):
            load_path(path)


# --- train.txt and test.txt ---


def _write_pair(folder, train, test):
    (folder / "train.txt").write_text(train)
    (folder / "test.txt").write_text(test)


def test_ids_and_the_order_of_items_stay_as_they_are(tmp_path):
    _write_pair(tmp_path, "1 4 0 2 \n0 3\n", "0 5\n1 1")
    dataset, _ = read_text_pair(tmp_path, "pair")
    assert (dataset.num_users, dataset.num_items) == (2, 6)
    assert dataset.train_users.tolist() == [0, 1, 1, 1]
    assert dataset.train_items.tolist() == [3, 4, 0, 2]
    assert dataset.test_items.tolist() == [5, 1]


def test_a_user_may_have_no_test_item_or_no_training_item(tmp_path):
    _write_pair(tmp_path, "0 1 2\n1\n\n2 3 3 0\n", "1 0\n2\n")
    dataset, _ = read_text_pair(tmp_path, "pair")
    assert dataset.train_items.tolist() == [1, 2, 3, 0]
    assert dataset.test_items.tolist() == [-1, 0, -1]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    _write_pair(tmp_path, "\ufeff0 1 2\n", "\ufeff0 0\n")
    dataset, rows = read_text_pair(tmp_path, "pair")
    assert (dataset.train_items.tolist(), dataset.test_items.tolist()) == ([1, 2], [0])
    assert rows == 3


def test_a_user_whom_no_line_names_does_not_exist(tmp_path):
    _write_pair(tmp_path, "9 1 2\n1 3\n", "1 1\n4 2\n")
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
    _write_pair(tmp_path, train, test)
    with pytest.raises(InvalidInputError, match=message) as error:
        read_text_pair(tmp_path, "pair")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"train.txt: No such file"):
        read_text_pair(tmp_path, "pair")
