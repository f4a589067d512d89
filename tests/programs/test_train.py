"""The program that trains: what it writes, keeps, repeats and refuses."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.programs.killing import (
    assert_same,
    kill_and_compare,
    outcome_of,
    start_training,
)
from tests.programs.programs import ROOT, TINY, Ended, assert_refused, lines, run

FILE = "process_0_of_1.npz"
ATTACKED = (*TINY, "--attack=spattack_l_d")


def train(*arguments: str) -> Ended:
    return run("train", *arguments)


def records(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = train(*ATTACKED, "--seeds=3:5", f"--output_dir={folder}")
    assert done.returncode == 0, done.stderr
    table, written = done.stdout.split("wrote into")
    for told in ("spattack_l_d", "clean", "chance", "most popular", "%"):
        assert told in table
    assert max(map(len, table.splitlines())) <= 80
    assert " ".join(written.split()) == f"{folder}: results.jsonl, curves.png .pdf .svg"
    assert not re.search(r"^[IWE]\d{4} ", done.stderr, re.M)  # no log of a library
    return folder


def test_a_record_holds_settings_metrics_curve_versions_and_seconds(output):
    first, second = records(output / "results.jsonl")
    assert (first["seed"], second["seed"]) == (3, 4)
    assert (first["attack"], first["malicious_clients"]) == ("spattack_l_d", 4)
    assert first["ranking"] == "sampled"
    assert [point["round"] for point in first["curve"]] == [0, 3, 6]
    last = first["curve"][-1]
    for metric in ("hr@5", "ndcg@5", "hr@10", "ndcg@10"):
        assert first[metric] == last[metric]
        assert 0 <= first[metric] <= 1
    assert first["users_head"] + first["users_middle"] + first["users_tail"] == 40
    assert first["versions"]["jax"]
    assert first["device"]
    assert first["seconds"]["compile"] > 0
    assert second["seconds"]["compile"] == 0
    # Of so short a run either may be lost in the noise of the clock.
    assert second["seconds"]["train"] + second["seconds"]["evaluation"] > 0


def test_beside_it_stand_the_clean_runs_and_the_curves(output):
    found = [(r["seed"], r["attack"]) for r in records(output / "clean.jsonl")]
    assert found == [(3, "none"), (4, "none")]
    assert {r["malicious_clients"] for r in records(output / "clean.jsonl")} == {0}
    assert (output / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_results_are_written_whatever_becomes_of_the_printed_table(output, tmp_path):
    """On a full disk, without a letter for ±, in a notebook's environment."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "jaxfr", "train", *ATTACKED, "--seeds=3:5"),
                *(f"--store={output / 'store'}", f"--output_dir={tmp_path / 'again'}"),
            ],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONIOENCODING": "ascii",
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            },
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot write to the standard output" in done.stderr
    written = records(tmp_path / "again" / "results.jsonl")
    assert written == records(output / "results.jsonl")
    assert (tmp_path / "again" / "curves.png").exists()


def test_what_is_there_is_kept_and_not_run_again(output):
    before = (output / "results.jsonl").read_bytes()
    assert_refused(train(*TINY, f"--output_dir={output}"), "--overwrite")
    assert (output / "results.jsonl").read_bytes() == before
    arguments = (f"--output_dir={output}", "--overwrite", "--seeds=3:6")
    again = train(*ATTACKED, *arguments)
    assert again.returncode == 0, again.stderr
    assert "4 of 6 runs are in the store" in again.stderr
    assert [r["seed"] for r in records(output / "results.jsonl")] == [3, 4, 5]
    stored = [record["run"] for record in lines(output / "store")]
    assert len(stored) == len(set(stored)) == 6


def test_saved_values_of_a_run_that_the_store_holds_repeat_it(output, tmp_path):
    """The store serves several commands, and gains nothing by one of its runs."""
    before = len(lines(output / "store"))
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    command = (*ATTACKED, "--seeds=3", "--nocompare_clean")
    held = (f"--store={output / 'store'}", f"--save_params={first}")
    done = train(*command, *held)
    assert done.returncode == 0, done.stderr
    assert len(lines(output / "store")) == before
    again = train(*command, f"--init_from={first}", f"--save_params={second}")
    assert again.returncode == 0, again.stderr
    saved, repeated = np.load(first), np.load(second)
    for name in ("negatives", "noise", "poisoned_items"):
        np.testing.assert_array_equal(saved[name], repeated[name])
    assert saved["poisoned_items"].shape == (4, 300)
    assert saved["negatives"].shape == (600 - 40,)
    assert not np.array_equal(saved["item_embeddings"], repeated["item_embeddings"])


def test_a_run_killed_and_resumed_ends_in_the_same_bits(tmp_path):
    """Of calls of two rounds, each with a checkpoint."""
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    saving = (f"--checkpoint_dir={killed / 'all'}", "--checkpoint_minutes=0")
    expected = outcome_of(start_training(alone, 12, pairs=1500).wait(), alone)
    # While a checkpoint is written, and when the record is, but nobody has it.
    for dies_at, newest in ((14, 5), (22, 11)):
        died = start_training(killed, 12, *saving, pairs=1500, dies_at=dies_at).wait()
        assert died.returncode == -signal.SIGKILL, died.stderr
        *_, last = sorted((killed / "all").glob("*/round_*"))
        assert last.name == f"round_{newest:06d}"
        assert [*last.glob("*.npz")] == [last / FILE] * (newest == 11)
        assert not (killed / "end.npz").exists()
    assert "3 rounds are finished already" in died.stderr
    ended = start_training(killed, 12, *saving, pairs=1500).wait()
    assert "11 rounds are finished already" in ended.stderr
    assert_same(outcome_of(ended, killed), expected)
    assert not list((killed / "all").iterdir())


@pytest.mark.long
def test_a_run_killed_at_random_moments_ends_in_the_same_bits(tmp_path):
    """python -m tests.programs.killing 20 for the figure in BUILD_NOTES.md."""
    print(kill_and_compare(tmp_path, 3))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--attack=xyz"], "spattack_o_d"),
        (["--attack=none,none"], "distinct"),
        (["--aggregator=nonsense"], "trimmed_mean"),
        (["--dataset=nowhere"], "ml-100k"),
        (["--aggregator=mean,median"], "jaxfr sweep --aggregator=mean,median"),
        (["--dataset=ml-100k,steam"], "jaxfr sweep --dataset=ml-100k,steam"),
        (["--rounds=1,2"], "jaxfr sweep --rounds=1,2"),
        (["--header=yess"], "<auto|yes|no>; did you mean yes?"),
        (["--min_rating=nan"], "min_rating"),
        (["--min_rating=4,0"], "must be a number at least -1e+15"),
        (["--min_rating=4,0"], "a point, not a comma, stands before decimals"),
        (["--malicious_ratio=1"], "malicious_ratio=1: must be a number at least 0 and"),
        (["--malicious_ratio=5"], "in size; 5 % is 0.05"),
        (["--malicious_ratio=2.5%"], "; 2.5 % is 0.025"),
        (["--malicious_ratio=0,05"], "a point, not a comma, stands before decimals"),
        (["--seeds=3:3"], "0:10"),
        (["--learning_rate=-1"], "learning_rate"),
        (["--aggregator=norm:0"], "clip_norm=0.0: must be a number above 0"),
        (["--aggregator=clip_by_norm:1"], "must end with a rule"),
        (["--participation=0"], "at most 1"),
        (["--attack=lie:lie_x=3"], "has no option 'lie_x'; options of lie are lie_z"),
        (["--lie_z=3"], "lie_z"),
        (["--attack_start=3", "--attack=none", *TINY], "that needs an attack"),
        (["--aggregator=classic_trimmed_mean:trim_share=0.5"], "below 0.5"),
        (["--attack=missing.py:mine"], "missing.py"),
        (["--no_such_flag=1"], "is no flag of jaxfr train; see jaxfr train --help"),
        (["--lr=7"], "; did you mean learning_rate?"),
        (["--defense=median"], "; did you mean aggregator?"),
        (["--group_by=attack"], "is no flag of jaxfr train, but of jaxfr results"),
        (["--init_from=missing.npz", *TINY], "missing.npz"),
        (["--save_params="], "save_params="),
        (["--store=", *TINY], "store="),
        (["--checkpoint_dir=~nosuch/below", *TINY], "checkpoint_dir=~nosuch/below"),
        ([*TINY, "--num_candidates=299"], "num_candidates"),
        (["--checkpoint_dir=/dev/null/below", *TINY], "/dev/null/below"),
        (["--keep_checkpoints=0"], "keep_checkpoints"),
        (["--checkpoint_minutes=-1"], "checkpoint_minutes"),
        ([*TINY, "--num_processes=2"], "need --coordinator_address"),
        ([*TINY, "--coordinator_address=host:1"], "needs --num_processes"),
        (
            ["--coordinator_address=h:1", "--num_processes=2", "--process_id=2"],
            "process_id=2: must be below num_processes=2",
        ),
        (
            [
                *("--coordinator_address=host:1", "--num_processes=2"),
                *("--process_id=0", "--num_devices=3"),
            ],
            "the processes must have equally many",
        ),
        (["--coordinator_address=auto", "--num_devices=4"], "needs --num_processes"),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_2(arguments, named):
    assert_refused(train(*arguments), named)
