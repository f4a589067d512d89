"""The program that reproduces everything, from its flags to its files."""

import pathlib

import pytest

from tests.experiments.report.pages import Reader
from tests.programs.programs import Ended, module, run

DATA = (
    "--dataset=synthetic:num_users=40:num_items=300:num_pairs=600",
    "--rounds=4",
)


def reproduce(*arguments: str, **environment: str) -> Ended:
    return run(*arguments, program=module("experiments.reproduce"), **environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("reproduction") / "all"
    ended = reproduce("--studies=table2", *DATA, f"--output_dir={path}")
    assert ended.returncode == 0, ended.stderr
    assert "study 1 of 1, table2" in ended.stderr
    assert f"wrote {path / 'report.html'}" in ended.stdout
    return path


def test_a_report_a_store_and_a_folder_for_each_study_are_written(folder):
    assert {path.name for path in folder.iterdir()} == {
        *("report.html", "results.md", "store", "table2"),
    }
    assert (folder / "table2" / "table_1.csv").exists()
    assert "Table 2" in (folder / "results.md").read_text(encoding="utf-8")


def test_the_report_can_be_read_and_tells_how_it_was_made(folder):
    reader = Reader((folder / "report.html").read_text(encoding="utf-8"))
    assert "Table 2: statistics of the data sets" in reader.text
    assert "--rounds=4" in reader.text
    # Table 2 takes no number of rounds.
    (own,) = (t for t in reader.texts if t.startswith("python -m experiments.study"))
    assert "--rounds" not in own


def test_a_report_is_not_replaced_unless_told_to(folder):
    arguments = "--studies=table2", *DATA, f"--output_dir={folder}"
    ended = reproduce(*arguments)
    assert ended.returncode == 2
    assert "already holds report.html" in ended.stderr
    assert reproduce(*arguments, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--dataset=steam",), "error: steam is not fetched"),
        (("--dataset=no/such.csv",), "no/such.csv"),
        (("--studies=table4",), "studies=table4"),
        (("--seeds=1,1",), "seeds='1,1'"),
    ],
)
def test_what_cannot_be_reproduced_is_told_before_anything_is_written(
    arguments, told, tmp_path
):
    ended = reproduce(*arguments, f"--output_dir={tmp_path / 'all'}", JAXFR_DATA_DIR="")
    assert ended.returncode == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_is_needed():
    ended = reproduce(*DATA)
    assert ended.returncode == 2
    assert "--output_dir" in ended.stderr
