import numpy as np
import pytest

from jaxfr import data
from jaxfr.data import (
    DATASETS,
    LoadOptions,
    SyntheticSettings,
    TableOptions,
    load_dataset,
)
from jaxfr.errors import InvalidInputError


def test_the_names_are_those_of_the_documentation():
    assert list(DATASETS) == ["ml-100k", "ml-1m", "steam", "synthetic"]


def test_a_name_comes_before_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "synthetic").mkdir()
    settings = SyntheticSettings(num_users=5, num_items=9, num_pairs=20)
    dataset = load_dataset("synthetic", LoadOptions(synthetic=settings))
    assert (dataset.name, dataset.num_pairs) == ("synthetic", 20)


def test_a_path_is_loaded_as_the_users_own_data(tmp_path):
    (tmp_path / "mine.csv").write_text("1,2\n1,3\n2,2\n")
    assert load_dataset(str(tmp_path / "mine.csv")).num_pairs == 3


@pytest.mark.parametrize("name", ["ml-10m", "", "no/such/file.csv"])
def test_anything_else_is_refused_and_the_names_are_listed(name):
    with pytest.raises(InvalidInputError, match=r"allowed: ml-100k, .*or a path"):
        load_dataset(name)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("~nosuchuser/mine.csv", "no such home folder"),
        ("x" * 300 + ".csv", "File name too long"),
        ("mine\0.csv", "no file can have this name"),
    ],
)
def test_a_path_that_the_system_refuses_is_told_of_in_one_line(path, reason):
    with pytest.raises(InvalidInputError, match=reason) as error:
        load_dataset(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["synthetic", "ml-100k"])
def test_columns_of_data_that_are_no_table_are_refused(name):
    options = LoadOptions(table=TableOptions(time_column="3"))
    with pytest.raises(InvalidInputError, match=f"time_column='3'.*{name} is not"):
        load_dataset(name, options)


def test_a_further_data_set_is_one_line_in_the_dictionary(monkeypatch):
    made = load_dataset("synthetic")
    monkeypatch.setattr(data, "DATASETS", {**DATASETS, "other": lambda options: made})
    np.testing.assert_array_equal(load_dataset("other").test_items, made.test_items)
