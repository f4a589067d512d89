import datetime
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jaxfr.data.files import load_path
from jaxfr.errors import InvalidInputError

ROWS = [("ann", 5, 30), ("bob", 6, 10), ("ann", 7, 20), ("ann", 6, 40), ("bob", 5, 0)]


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
    [("csv", ","), ("tsv", "\t"), ("inter", "\t"), ("data", "\t"), ("CSV", ",")],
)
def test_the_ending_of_a_text_file_tells_the_separator(tmp_path, ending, separator):
    path = tmp_path / f"mine.{ending}"
    _write_text(path, separator)
    _assert_is_the_data_set(load_path(path))
    _write_text(path, separator, header=separator.join(["user", "item", "time\n"]))
    _assert_is_the_data_set(load_path(path))


def test_a_parquet_file_gives_the_same_data_set(tmp_path):
    path = tmp_path / "mine.parquet"
    _write_parquet(path)
    _assert_is_the_data_set(load_path(path))
    days = [datetime.datetime(2020, 1, 1 + row[2] // 10) for row in ROWS]
    _write_parquet(path, times=days, rating=[None] * len(ROWS))
    _assert_is_the_data_set(load_path(path))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item": [1, 2, 3, None, 5]}, r"row 4: a value is missing"),
        ({"times": ["a", "b", "c", "d", "e"]}, r"must be finite numbers"),
        ({"times": [1.0, float("nan"), 2.0, 3.0, 4.0]}, r"must be finite numbers"),
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


@pytest.mark.parametrize("name", ["mine.xlsx", "mine", "train.txt"])
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
