import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from jaxfr.presets import preset_names
from tests.programs.killing import kill_and_compare
from tests.programs.programs import ROOT, TINY, run_python

# python -m tests.programs.killing 20 for the figure in BUILD_NOTES.md.
KILLS = 4


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Nothing of these tests goes into, or comes from, the user's own cache.
    return run_python(
        *("-m", "jaxfr", "train", *arguments),
        PYTHONWARNINGS="error",
        JAX_ENABLE_COMPILATION_CACHE="false",
    )


def records(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = train(
        *TINY, "--attack=spattack_l_s", "--seeds=3:5", f"--output_dir={folder}"
    )
    assert done.returncode == 0, done.stderr
    assert "spattack_l_s" in done.stdout
    assert "none" in done.stdout
    assert "%" in done.stdout
    return folder


def test_results_hold_one_line_for_each_seed(output):
    assert [record["seed"] for record in records(output / "results.jsonl")] == [3, 4]
    assert [record["seed"] for record in records(output / "clean.jsonl")] == [3, 4]


def test_a_record_holds_settings_metrics_curve_versions_and_seconds(output):
    first, second = records(output / "results.jsonl")
    assert first["attack"] == "spattack_l_s"
    assert first["malicious_clients"] == 4
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_results_are_written_whatever_becomes_of_the_printed_table(output, tmp_path):
    """On a full disk, without a letter for ±, in a notebook's environment."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "jaxfr", "train", *TINY, "--seeds=3:5"),
                *("--attack=spattack_l_s", f"--store={output / 'store'}"),
                f"--output_dir={tmp_path / 'again'}",
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


def test_the_clean_comparison_has_no_malicious_client(output):
    clean = records(output / "clean.jsonl")[0]
    assert (clean["attack"], clean["malicious_clients"]) == ("none", 0)


def test_curves_are_drawn(output):
    assert (output / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_an_existing_output_is_kept_unless_it_may_be_overwritten(output):
    before = (output / "results.jsonl").read_bytes()
    refused = train(*TINY, f"--output_dir={output}")
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert (output / "results.jsonl").read_bytes() == before


def test_runs_that_the_store_holds_are_not_run_again(output):
    again = train(
        *TINY,
        "--attack=spattack_l_s",
        "--seeds=3:6",
        *(f"--output_dir={output}", "--overwrite"),
    )
    assert again.returncode == 0, again.stderr
    assert "4 of 6 runs are in the store" in again.stderr
    found = records(output / "results.jsonl")
    assert [record["seed"] for record in found] == [3, 4, 5]
    stored = [
        json.loads(line)["run"]
        for path in (output / "store" / "records").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert len(stored) == len(set(stored)) == 6


def test_a_store_serves_several_commands(tmp_path):
    store = f"--store={tmp_path / 'store'}"
    for attack in ("spattack_o_d", "spattack_l_d"):
        done = train(*TINY, f"--attack={attack}", store)
        assert done.returncode == 0, done.stderr
    # The clean run of the first command is there for the second.
    assert "1 of 2 runs are in the store" in done.stderr
    assert "none" in done.stdout


def test_parameters_are_saved_of_a_run_that_the_store_holds(tmp_path):
    command = (*TINY, "--nocompare_clean", f"--store={tmp_path / 'store'}")
    assert train(*command).returncode == 0
    saved = train(*command, f"--save_params={tmp_path / 'end.npz'}")
    assert saved.returncode == 0, saved.stderr
    assert (tmp_path / "end.npz").exists()
    files = (tmp_path / "store" / "records").iterdir()
    assert sum(len(path.read_text().splitlines()) for path in files) == 1


def test_a_run_from_saved_values_repeats_the_saved_run(tmp_path):
    attack = (*TINY, "--attack=spattack_l_d", "--nocompare_clean")
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    assert train(*attack, "--rounds=1", f"--save_params={first}").returncode == 0
    again = train(
        *attack, "--rounds=1", f"--init_from={first}", f"--save_params={second}"
    )
    assert again.returncode == 0, again.stderr
    saved, repeated = np.load(first), np.load(second)
    for name in ("negatives", "noise", "poisoned_items"):
        np.testing.assert_array_equal(saved[name], repeated[name])
    assert saved["poisoned_items"].shape == (4, 300)
    assert saved["negatives"].shape == (600 - 40,)
    assert not np.array_equal(saved["item_embeddings"], repeated["item_embeddings"])


def test_a_run_killed_at_any_moment_and_resumed_ends_in_the_same_bits(tmp_path):
    print(kill_and_compare(tmp_path, KILLS))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--attack=nonsense"], "spattack_o_d"),
        (["--attack=none,none"], "distinct"),
        (["--aggregator=nonsense"], "trimmed_mean"),
        (["--dataset=nowhere"], "ml-100k"),
        (["--malicious_ratio=1"], "below 1"),
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
        (["--no_such_flag=1"], "no_such_flag"),
        (["--flagfile=missing.flags"], "missing.flags"),
        (["--init_from=missing.npz", *TINY], "missing.npz"),
        (["--save_params=x.npz", "--seeds=0,1"], "single seed"),
        (["--save_params="], "save_params="),
        (["--store=", *TINY], "store="),
        (["--checkpoint_dir=~nosuch/below", *TINY], "checkpoint_dir=~nosuch/below"),
        ([*TINY, "--num_candidates=299"], "num_candidates"),
        (["--checkpoint_dir=/dev/null/below", *TINY], "/dev/null/below"),
        (["--keep_checkpoints=0"], "keep_checkpoints"),
        (["--checkpoint_minutes=-1"], "checkpoint_minutes"),
        (["superfluous"], "superfluous"),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_2(
    arguments: Sequence[str], named: str
):
    done = train(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert named in done.stderr


def test_help_explains_every_setting():
    done = train("--help")
    assert done.returncode == 0
    for flag in ("--malicious_ratio", "--aggregator", "--seeds", "--init_from"):
        assert flag in done.stdout


# That of a GPU is the benchmark's.
@pytest.mark.parametrize("preset", sorted({*preset_names()} - {"gpu"}))
def test_every_preset_is_read(preset):
    done = train(f"--preset={preset}", "--save_params=x.npz", "--seeds=0,1")
    assert "single seed" in done.stderr
