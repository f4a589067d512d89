import csv
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SMALL = "--dataset=synthetic:num_users=200:num_items=300:num_pairs=4000"


def _run(*flags):
    command = [sys.executable, "-m", "jaxfr", "dataset", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_statistics_are_printed_and_nothing_is_written():
    finished = _run(SMALL)
    assert finished.returncode == 0
    assert finished.stderr == ""
    table = dict(line.split("  ", 1) for line in finished.stdout.splitlines())
    values = {label: value.strip() for label, value in table.items()}
    assert (values["users"], values["edges"]) == ("200", "4,000")
    assert values["sparsity"] == "93.33 %"


def test_the_degree_distribution_is_written_once_unless_told_otherwise(tmp_path):
    flags = (SMALL, f"--output_dir={tmp_path}")
    assert _run(*flags).returncode == 0
    with (tmp_path / "degree_distribution.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["num_items"]) for row in rows) == 300
    assert float(rows[0]["ccdf"]) == 1
    picture = tmp_path / "degree_distribution.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.write_bytes(b"")
    finished = _run(*flags)
    assert finished.returncode == 2
    assert "already holds degree_distribution.csv" in finished.stderr
    assert picture.read_bytes() == b""
    assert _run(*flags, "--overwrite").returncode == 0
    assert picture.read_bytes() != b""


def test_flags_name_the_columns_of_a_table(tmp_path):
    (tmp_path / "mine.csv").write_text("ann,5,x\nann,4,y\nbob,3,x\n")
    finished = _run(
        f"--dataset={tmp_path / 'mine.csv'}",
        *("--user_column=1", "--item_column=3", "--rating_column=2", "--header=no"),
    )
    assert finished.returncode == 0
    assert "user=column 1, item=column 3, time=none" in finished.stderr
    assert "rating=column 2, which is dropped; 3 interactions" in finished.stderr


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--dataset=ml-10m", "allowed: ml-100k, ml-1m, steam, synthetic, or a path"),
        ("--datasets=ml-1m", "Unknown command line flag 'datasets'"),
        ("--time_column=3", "time_column='3': is for a table of your own"),
        ("--synthetic=num_users=5", "synthetic: is written as dataset=synthetic:num_u"),
        (f"--output_dir={__file__}/x", "cannot make the output folder"),
    ],
)
def test_a_wrong_flag_or_value_ends_with_one_line_and_exit_code_2(flag, message):
    finished = _run(flag)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1
