"""Steam, where its files are at hand."""

import os
import pathlib

import pytest

from jaxfr.data import LoadOptions, load_dataset
from jaxfr.data.statistics import dataset_statistics
from jaxfr.errors import InvalidInputError

BESIDE = pathlib.Path(__file__).parents[3] / "shared" / "data"
DATA_DIR = os.environ.get("JAXFR_DATA_DIR") or str(BESIDE)
needs_steam = pytest.mark.skipif(
    not pathlib.Path(DATA_DIR, "steam", "train.txt").is_file(),
    reason="Steam is not fetched; JAXFR_DATA_DIR names no folder that holds it",
)


@needs_steam
def test_steam_has_the_published_size_and_keeps_its_split():
    dataset = load_dataset("steam", LoadOptions(DATA_DIR))
    assert (dataset.num_users, dataset.num_items) == (3753, 5134)
    assert dataset.num_pairs == 114_713
    assert (dataset.item_popularity > 0).sum() == 5092
    assert (dataset.test_items >= 0).all()
    lines = pathlib.Path(DATA_DIR, "steam", "train.txt").read_text().splitlines()
    in_order = [int(item) for line in lines for item in line.split()[1:]]
    assert dataset.train_items.tolist() == in_order


@needs_steam
def test_steam_gives_the_row_of_table_2_and_the_long_tail_of_figure_2():
    found = dataset_statistics(load_dataset("steam", LoadOptions(DATA_DIR)))
    assert f"{found.sparsity_percent:.2f}" == "99.40"
    assert found.tail_percent > 97


@needs_steam
def test_the_environment_names_the_folder_where_no_argument_does(monkeypatch):
    monkeypatch.setenv("JAXFR_DATA_DIR", DATA_DIR)
    assert load_dataset("steam").name == "steam"


def test_without_a_folder_the_error_says_where_to_get_it(monkeypatch):
    monkeypatch.delenv("JAXFR_DATA_DIR", raising=False)
    with pytest.raises(InvalidInputError, match=r"https://.*data_dir or JAXFR_DATA"):
        load_dataset("steam")


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"does not hold steam/train.txt"):
        load_dataset("steam", LoadOptions(str(tmp_path)))


def test_other_rows_than_the_published_ones_are_refused(tmp_path):
    (tmp_path / "steam").mkdir()
    (tmp_path / "steam" / "train.txt").write_text("0 1 2\n1 0")
    (tmp_path / "steam" / "test.txt").write_text("0 3\n")
    with pytest.raises(InvalidInputError, match="expected Counts"):
        load_dataset("steam", LoadOptions(str(tmp_path)))
