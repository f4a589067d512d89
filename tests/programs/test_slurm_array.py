"""The script for a Slurm job array, with a ``srun`` that only runs its command."""

import os
import pathlib
import subprocess
import sys

from tests.programs.programs import ROOT, TINY
from tests.programs.sweeping import lines

SCRIPT = ROOT / "experiments" / "jobs" / "slurm_array.sh"


def run_task(index: int, count: int, *arguments: str, bin_folder: pathlib.Path):
    bin_folder.mkdir(exist_ok=True)
    srun = bin_folder / "srun"
    srun.write_text('#!/bin/sh\nexec "$@"\n')
    srun.chmod(0o755)
    slurm = {
        "SLURM_SUBMIT_DIR": str(ROOT),
        "SLURM_ARRAY_TASK_ID": str(index),
        "SLURM_ARRAY_TASK_COUNT": str(count),
        "JAXFR": str(pathlib.Path(sys.executable).parent / "jaxfr"),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **slurm},
    )


def test_the_tasks_of_an_array_do_all_runs_once(tmp_path):
    sweep = (*TINY, "--seeds=0:5", f"--store={tmp_path / 'store'}")
    cache = f"--compilation_cache_dir={tmp_path / 'compiled'}"
    for index, expected in enumerate((3, 5)):
        done = run_task(index, 2, *sweep, cache, bin_folder=tmp_path / "bin")
        assert done.returncode == 0, done.stderr
        assert len(lines(tmp_path / "store")) == expected
    assert sorted(r["seed"] for r in lines(tmp_path / "store")) == list(range(5))


def test_started_without_slurm_the_script_says_how_to_start_it():
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    done = subprocess.run(
        ["bash", SCRIPT], capture_output=True, text=True, env=inherited
    )
    assert done.returncode != 0
    assert "sbatch --array" in done.stderr
