"""A sweep divided among jobs, by submitit or by the script for Slurm.

Its local executor, and a ``srun`` that only runs its command, stand for a cluster.
"""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from jaxfr.store.claims import look_at_claims
from jaxfr.store.folder import host_and_process
from tests.programs.programs import (
    ROOT,
    TINY,
    Ended,
    assert_refused,
    lines,
    run,
    start,
)

SCRIPT = ROOT / "experiments" / "jobs" / "slurm_array.sh"
SWEEP = (*TINY, "--aggregator=clip_by_norm:2+mean", "--seeds=0:2")


def submit(folder: pathlib.Path, *arguments: str) -> Ended:
    logs = f"--job_log_dir={folder / 'logs'}"
    return run("submit", *arguments, "--cluster=local", "--wait", logs)


def test_jobs_share_the_runs_and_read_the_flags_as_they_were_meant(tmp_path):
    store, preset = tmp_path / "store", tmp_path / "preset.flags"
    preset.write_text("--attack=none,spattack_o_d\n")
    done = submit(
        tmp_path, *SWEEP, f"--flagfile={preset}", f"--store={store}", "--num_jobs=2"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("submitted ")
    found = sorted((r["attack"], r["clip_norm"], r["seed"]) for r in lines(store))
    assert found == [*itertools.product(("none", "spattack_o_d"), (2.0,), range(2))]
    # Each job wrote a file of its own.
    assert len(list((store / "records").iterdir())) == 2


def test_a_job_that_fails_is_named(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.txt").touch()
    done = submit(tmp_path, *SWEEP, f"--store={tmp_path / 'store'}")
    assert done.returncode == 1
    assert "failed: " in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_job_that_the_cluster_ends_says_what_is_kept(tmp_path, number):
    """By SIGTERM, or by the signal that submitit has sent when the time is over."""
    store, logs = tmp_path / "store", tmp_path / "logs"
    started = start(
        *("submit", TINY[0], "--rounds=10000000", "--cluster=local", "--wait"),
        *(f"--job_log_dir={logs}", f"--store={store}", "--timeout_minutes=1"),
    )
    while started.lives() and not [*store.glob("claims/*.claim")]:
        time.sleep(0.01)
    (claim,) = look_at_claims(store / "claims")
    os.kill(host_and_process(claim.writer)[1], number)
    ended = started.wait()
    assert ended.returncode == 1
    assert "failed: " in ended.stderr
    (log,) = logs.glob("*_log.err")
    *_, last = log.read_text().splitlines()
    assert last == (
        f"stopped by SIGTERM: finished runs are kept in {store}; the same command goes "
        "on from there"
    )
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [([], "--store"), (["--store=x", "--malicious_ratio=1"], "malicious_ratio")],
)
def test_a_mistake_is_found_before_anything_is_submitted(tmp_path, arguments, named):
    assert_refused(submit(tmp_path, *TINY, *arguments), named)
    assert not list(tmp_path.iterdir())


def run_task(index: int, folder: pathlib.Path, *arguments: str):
    """Runs a task of an array of two, with the ``jaxfr`` of this Python."""
    commands = {"srun": '"$@"', "jaxfr": f'"{sys.executable}" -m jaxfr "$@"'}
    for name, command in commands.items():
        (folder / name).write_text(f"#!/bin/sh\nexec {command}\n")
        (folder / name).chmod(0o755)
    slurm = {
        "SLURM_SUBMIT_DIR": str(ROOT),
        "SLURM_ARRAY_TASK_ID": str(index),
        "SLURM_ARRAY_TASK_COUNT": "2",
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **slurm},
    )


def test_the_tasks_of_an_array_do_all_runs_once(tmp_path):
    store = tmp_path / "store"
    for index, expected in enumerate((2, 3)):
        done = run_task(index, tmp_path, *TINY, "--seeds=0:3", f"--store={store}")
        assert done.returncode == 0, done.stderr
        assert len(lines(store)) == expected
    assert sorted(record["seed"] for record in lines(store)) == list(range(3))


def test_started_without_slurm_the_script_says_how_to_start_it():
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    done = subprocess.run(
        ["bash", SCRIPT], capture_output=True, text=True, env=inherited
    )
    assert done.returncode != 0
    assert "sbatch --array" in done.stderr
