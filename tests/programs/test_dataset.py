"""The statistics of a data set, printed and drawn."""

import csv

import pytest

from tests.programs.programs import assert_refused, run

SMALL = "--dataset=synthetic:num_users=200:num_items=300:num_pairs=4000"


def test_the_statistics_are_printed_and_nothing_is_written():
    done = run("dataset", SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    table = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    values = {label: value.strip() for label, value in table.items()}
    assert (values["users"], values["edges"]) == ("200", "4,000")
    assert values["sparsity"] == "93.33 %"


def test_the_degree_distribution_is_written_once_unless_told_otherwise(tmp_path):
    folder = tmp_path / "made" / "here"
    flags = (SMALL, f"--output_dir={folder}")
    assert run("dataset", *flags).returncode == 0
    with (folder / "degree_distribution.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["num_items"]) for row in rows) == 300
    assert float(rows[0]["ccdf"]) == 1
    picture = folder / "degree_distribution.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.write_bytes(b"")
    assert_refused(
        run("dataset", *flags), "already holds degree_distribution.csv, degree"
    )
    assert picture.read_bytes() == b""
    assert run("dataset", *flags, "--overwrite").returncode == 0
    assert picture.read_bytes() != b""


def test_flags_name_the_columns_of_a_table(tmp_path):
    (tmp_path / "mine.csv").write_text("ann,5,x\nann,4,y\nbob,3,x\n")
    done = run(
        *("dataset", f"--dataset={tmp_path / 'mine.csv'}", "--header=no"),
        *("--user_column=1", "--item_column=3", "--rating_column=2"),
    )
    assert done.returncode == 0
    assert "user=column 1, item=column 3, time=none" in done.stderr
    assert "rating=column 2, which is dropped; 3 interactions" in done.stderr


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--dataset=ml-10m", "allowed: ml-100k, ml-1m, steam, synthetic, or a path"),
        ("--datasets=ml-1m", "datasets: is no flag of"),
        ("--time_column=3", "time_column='3': is for a table of your own"),
        ("--synthetic=num_users=5", "synthetic: is written as dataset=synthetic:num_u"),
        ("--dataset=synthetic:num_users=0", "num_users"),
        (f"--output_dir={__file__}/x", "cannot make the output folder"),
        ("--output_dir=", "output_dir=: must name a file or folder"),
        ("--output_dir=~nosuch/runs", "output_dir=~nosuch/runs: there is no such home"),
        (f"--output_dir={'n' * 300}", f"output_dir={'n' * 300}: "),
    ],
)
def test_a_wrong_flag_or_value_is_refused(flag, message):
    assert_refused(run("dataset", flag), message)
