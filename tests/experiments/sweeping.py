"""Sweeps in processes of their own, for tests that stop, kill and starve them."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
TINY = (
    "--dataset=synthetic",
    "--synthetic=num_users=40,num_items=300,num_pairs=600",
    "--rounds=6",
    "--eval_every=3",
    "--embedding_dim=4",
    "--malicious_ratio=0.1",
)
# What tells of the machine and the moment, and not of the run.
INCIDENTAL = ("seconds", "finished", "num_devices", "runs_at_once")


def begin(
    *arguments: str, cache: pathlib.Path, name: str = "sweep"
) -> subprocess.Popen:
    """Starts a program with a compilation cache of the tests' own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", f"experiments.{name}", *arguments),
            f"--compilation_cache_dir={cache}",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def run(
    *arguments: str, cache: pathlib.Path, name: str = "sweep"
) -> subprocess.CompletedProcess:
    """Runs a program to its end."""
    process = begin(*arguments, cache=cache, name=name)
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def lines(store: pathlib.Path) -> list[dict]:
    """All whole lines of all files of a store, those written twice twice."""
    found = []
    for path in sorted((store / "records").glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            found.append(json.loads(line))
    return found


def outcome(record: dict) -> dict:
    """What a run came to."""
    dropped = (*INCIDENTAL, "checksum")
    return {name: value for name, value in record.items() if name not in dropped}
