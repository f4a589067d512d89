"""The program of one study, as a user starts it; figure5 has the fewest programs."""

import csv
import pathlib
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

from jaxfr.errors import InvalidInputError
from tests.programs.programs import TINY, Ended, instead, lines, module, run

# What figure5 leaves to the user.
SMALL = (TINY[0], "--rounds=61", "--num_devices=1")
NUM_RUNS = 2 * (1 + 2 * 4)


def start(*arguments: str) -> Ended:
    return run(*arguments, program=module("experiments.study"))


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "figure5"
    done = start("figure5", *SMALL, "--seeds=3,5", f"--output_dir={folder}")
    assert done.returncode == 0, done.stderr
    assert "Figure 5" in done.stdout
    assert "2 seeds (3, 5)" in done.stdout
    return folder


def test_records_tables_findings_picture_and_store_are_written(output):
    names = {path.name for path in output.iterdir()}
    assert names == {
        *("section.txt", "records.jsonl", "table_1.csv", "findings.csv"),
        *("figure5.png", "figure5.pdf", "figure5.svg", "store"),
    }
    assert len((output / "records.jsonl").read_text().splitlines()) == NUM_RUNS
    assert len(lines(output / "store")) == NUM_RUNS
    assert (output / "figure5.png").read_bytes().startswith(b"\x89PNG")
    with (output / "findings.csv").open(encoding="utf-8") as file:
        assert {row["verdict"] for row in csv.DictReader(file)} <= {
            *("holds", "does not hold", "cannot tell"),
        }


def test_what_is_there_is_kept_unless_it_may_be_overwritten(output):
    before = (output / "section.txt").read_bytes()
    refused = start("figure5", *SMALL, f"--output_dir={output}")
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert (output / "section.txt").read_bytes() == before


def test_runs_that_a_store_holds_are_not_run_again(output, tmp_path):
    again = start(
        *("figure5", *SMALL, "--seeds=5", f"--store={output / 'store'}"),
        f"--output_dir={tmp_path}",
    )
    assert again.returncode == 0, again.stderr
    assert "9 of 9 runs are in the store" in again.stderr
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == NUM_RUNS // 2
    assert len(lines(output / "store")) == NUM_RUNS
    assert not (tmp_path / "store").exists()


def test_help_explains_the_flags_and_five_seeds_are_the_default():
    done = start("--help")
    assert done.returncode == 0
    for flag in ("--defenses", "--dataset", "--output_dir", "--store", "--data_dir"):
        assert flag in done.stdout
    assert "(default: '0:5')" in done.stdout


# --- Refusals: each is told by a function, and the program makes one line of it ---

MISTAKES = {
    "": "name a study: one of table2, figure1_2, table3",
    "table4": "studies=table4: there is none",
    "figure5 --attack=fang": "attack: figure5 varies it itself",
    "figure5 --attack_start=3": "attack_start: figure5 varies it itself",
    "table2 --seeds=3 --rounds=5": "rounds: table2 varies it itself",
    "table3 --attack=lie:scope=sparse": "attack: table3 varies it itself",
    "figure3 --defenses=mean,none": "must be some of mean, median, trimmed_mean",
    "figure1_2 --aggregators=mode": "aggregators=mode: must be some of mean",
    "figure4 --malicious_ratio=0.2": "malicious_ratio",
    "hyperparameters --model=fedmf:3": "model: hyperparameters varies it",
    "figure5 --dataset=steam,steam": "distinct",
    "figure5 --seeds=5:0": "0:10",
    "table3 --defenses=mean": "defenses: only figure3 reads it, not table3",
    "figure3 --attacked_ratio=0.2": "attacked_ratio: only figure1_2 reads it",
    "table2 --trained_rounds=3": "trained_rounds: only figure1_2 reads it",
    "figure5 --aggregators=mean": "aggregators: only figure1_2 reads it",
}


def refusals() -> None:
    """Tells each, in one process, as flags are defined once."""
    from experiments import study

    for line in sys.argv[1:]:
        with flagsaver.flagsaver():
            try:
                study.main(*flags.FLAGS(["study", *line.split()])[1:])
            except (InvalidInputError, flags.Error) as error:
                print(" ".join(str(error).split()))


def test_what_has_no_meaning_is_told():
    told = run(*MISTAKES, program=refusals).stdout.splitlines()
    for line, expected in zip(told, MISTAKES.values(), strict=True):
        assert expected in line


def test_a_mistake_ends_with_one_line_and_exit_code_2():
    done = start("figure5", *instead(SMALL, "--rounds=60"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: attack_start=60: ")
    assert done.stderr.count("\n") == 1
