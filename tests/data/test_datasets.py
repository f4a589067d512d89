"""Data sets by name with their options, from paths, and from functions of files."""

import pathlib
import textwrap

import numpy as np
import pytest

import jaxfr as fr
from jaxfr.data import DATASETS, LoadOptions, TableOptions, load_dataset
from jaxfr.data.datasets import (
    check_dataset_text,
    dataset_name,
    own_files_of_dataset,
    synthetic,
)
from jaxfr.errors import InvalidInputError
from jaxfr.programs.list import listing
from jaxfr.programs.run_flags import parse_value
from jaxfr.sweeps.request import RunRequest, keep_own_files
from jaxfr.texts import place_of_option

SMALL = "synthetic:num_users=5:num_items=9:num_pairs=20"


def test_every_data_set_is_a_part_of_its_name_that_is_listed():
    assert list(DATASETS) == ["ml-100k", "ml-1m", "steam", "synthetic"]
    for name, factory in DATASETS.items():
        assert str(factory()) == factory.name == name
        assert f"{name} " in listing("datasets")
        assert listing(name).startswith(f"{name}, of jaxfr list datasets")
    assert "  num_users=943: number of users n.\n" in listing("synthetic")
    assert ">>>" not in listing("synthetic")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ml-1m", "ml-1m"),
        ("synthetic", "synthetic"),
        ("synthetic:50:num_pairs=1e3", "synthetic:num_users=50:num_pairs=1000"),
        ("synthetic:num_users=943:activity_sigma=1", "synthetic"),
        ("synthetic:activity_sigma=2", "synthetic:activity_sigma=2.0"),
        (f"synthetic:seed={2**63 + 1}", f"synthetic:seed={2**63 + 1}"),
        ("my_log.csv", "my_log.csv"),
        ("./mine.py:f", "./mine.py:f"),
    ],
)
def test_a_text_is_kept_without_what_is_as_by_default(text, canonical):
    assert check_dataset_text(text) == canonical == check_dataset_text(canonical)
    if ".py" not in text:
        assert parse_value("dataset", text) == canonical


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("num_user=5", r"has no option 'num_user'.*; did you mean num_users\?"),
        ("num_users=2.5", "num_users='2.5': must be a whole number from 1"),
        ("num_users=1.5e0", "num_users='1.5e0': must be a whole number from 1"),
        ("num_users=1e999", "num_users='1e999': must be a whole number from 1"),
        ("num_users=0", "num_users=0: must be a whole number from 1 to 1000000000"),
        ("num_users=1e10", "num_users=10000000000: must be a whole number from 1"),
        ("num_items=2", "num_items=2: must be a whole number from 3 to 1000000000"),
        ("num_pairs=1e10", "num_pairs=10000000000: must be a whole number from 1"),
        ("num_pairs=1885", r"num_pairs=1885: must be 1886 to 1585183 \(2 to num_item"),
        ("num_users=2:num_items=4:num_pairs=7", "num_pairs=7: must be 4 to 6"),
        ("popularity_exponent=1", "popularity_exponent=1: must be above 1"),
        ("popularity_exponent=nan", "popularity_exponent=nan: must be a number at"),
        ("activity_sigma=x", "activity_sigma='x': must be a number at least 0"),
        ("activity_sigma=-1", "activity_sigma=-1.0: must be a number at least 0"),
        ("latent_dimension=0", "latent_dimension=0: must be a whole number from 1"),
        ("latent_dimension=38096", "latent_dimension=38096: must be 1 to 38095, as"),
        ("signal_strength=nan", "signal_strength=nan: must be a number at least 0"),
        ("seed=-1", "seed=-1: must be a whole number from 0"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(options, message):
    with pytest.raises(InvalidInputError, match=message):
        load_dataset(f"synthetic:{options}")


def test_python_makes_the_same_data_as_the_text():
    options = {"num_users": 5, "num_items": 9, "num_pairs": 20}
    made = load_dataset(SMALL)
    for other in (
        fr.synthetic_dataset(**options),
        fr.load_dataset(fr.datasets.synthetic(**options)),
    ):
        np.testing.assert_array_equal(other.train_items, made.train_items)
        np.testing.assert_array_equal(other.test_items, made.test_items)
    assert str(synthetic(**options)) == SMALL


def test_columns_of_a_table_are_named_in_python_as_on_the_command_line(tmp_path):
    (tmp_path / "mine.csv").write_text(
        "who,what,stars\nann,x,5\nann,y,5\nbob,z,1\nbob,x,4\n"
    )
    path = f"{tmp_path}/mine.csv"
    columns = TableOptions(user_column="who", item_column="2", time_column="none")
    found = load_dataset(path, LoadOptions(table=columns), min_rating=4)
    alone = load_dataset(
        path, user_column="who", item_column="2", time_column="none", min_rating=4
    )
    np.testing.assert_array_equal(found.train_items, alone.train_items)
    assert (found.num_users, found.num_items) == (2, 2)
    with pytest.raises(TypeError, match="user_colum"):
        load_dataset(path, user_colum="who")


def test_an_option_or_a_flag_that_is_gone_is_told_its_place():
    assert place_of_option("synthetic") == (
        "synthetic: is written as dataset=synthetic:num_users=..."
    )
    assert "as in dataset=synthetic:num_pairs=..." in str(place_of_option("num_pairs"))
    with pytest.raises(InvalidInputError, match="written as dataset=synthetic:"):
        parse_value("synthetic", "num_users=5")
    with pytest.raises(InvalidInputError, match=r"seed: is no option; did .* seeds\?"):
        parse_value("seed", 3)


@pytest.mark.parametrize("name", ["ml-10m", "", "no/such/file.csv", "syntetic:seed=1"])
def test_what_is_neither_name_nor_path_is_refused_and_the_names_are_listed(name):
    with pytest.raises(InvalidInputError, match=r"allowed: ml-100k, .*or a path"):
        load_dataset(name)
    if name.startswith("s"):
        with pytest.raises(InvalidInputError, match=r"did you mean synthetic\?"):
            load_dataset(name)


def test_a_path_with_a_slip_is_told_what_lies_beside_it(tmp_path):
    (tmp_path / "my_log.csv").touch()
    with pytest.raises(InvalidInputError, match=rf"mean {tmp_path}/my_log.csv\?"):
        load_dataset(f"{tmp_path}/my_lgo.csv")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("ml-100k", "ml-100k"), ("synthetic:seed=1", "synthetic:seed=1")],
        *[
            ("my_log.csv", "my_log"),
            ("/a/b/my.log.TSV.gz", "my.log"),
            ("my_log", "my_log"),
        ],
        *[
            ("/a/my.folder/", "my.folder"),
            ("~/x.parquet", "x"),
            ("./steam.csv", "steam.csv"),
        ],
        *[("../own/mine.py:data:path=a/b", "mine.py:data:path=a/b"), ("/", "/")],
        (".", pathlib.Path.cwd().name),
    ],
)
def test_a_data_set_is_called_by_its_name_and_not_by_its_path(text, name):
    assert dataset_name(text) == name


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


def test_a_path_is_loaded_as_the_users_own_data_also_with_colons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "synthetic").mkdir()
    assert load_dataset(SMALL).num_pairs == 20  # a name comes before a path
    for name in ("mine.csv", "a:b.csv", "ml-1m:2.csv"):
        (tmp_path / name).write_text("1,2\n1,3\n2,2\n")
        assert check_dataset_text(name) == name
        for path in (name, f"./{name}", str(tmp_path / name)):
            assert load_dataset(path).num_pairs == 3


@pytest.mark.parametrize("name", ["synthetic", "ml-100k"])
def test_columns_of_data_that_are_no_table_are_refused(name):
    options = LoadOptions(table=TableOptions(time_column="3"))
    with pytest.raises(InvalidInputError, match=f"time_column='3'.*{name} is not"):
        load_dataset(name, options)


def test_a_function_of_a_file_makes_data_with_options(tmp_path):
    folder = tmp_path / "a:b"
    folder.mkdir()
    path = folder / "mine.py"
    path.write_text(
        textwrap.dedent(
            """
            import jaxfr as fr

            def my_data(num_users: int = 4):
                return fr.synthetic_dataset(
                    num_users=num_users, num_items=9, num_pairs=4 * num_users
                )

            def nothing():
                return 3
            """
        )
    )
    assert load_dataset(f"{path}:my_data").num_users == 4
    assert load_dataset(f"{path}:my_data:num_users=6").num_users == 6
    (file,) = own_files_of_dataset(f"{path}:my_data:6")
    assert (file.name, file.content) == ("mine.py", path.read_bytes())
    assert list(own_files_of_dataset("synthetic")) == []
    keep_own_files([RunRequest(dataset=f"{path}:my_data")], tmp_path)
    (copy,) = (tmp_path / "own_files").iterdir()
    assert copy.read_bytes() == file.content
    for text, told in (
        (f"{path}:my_dat", r"has no function 'my_dat'.*did you mean my_data\?"),
        (f"{path}:my_data:users=3", "has no option 'users'"),
        (f"{path}:nothing", "makes a int, no Dataset"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            load_dataset(text)
    with pytest.raises(InvalidInputError, match=r"time_column='3'.* is not"):
        load_dataset(
            f"{path}:my_data", LoadOptions(table=TableOptions(time_column="3"))
        )
    with pytest.raises(InvalidInputError, match=r"^dataset=.*: code is named on"):
        parse_value("dataset", f"{path}:my_data")
