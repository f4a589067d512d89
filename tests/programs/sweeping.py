"""Sweeps and what they leave, for tests that stop, kill and starve them."""

import json
import pathlib
import subprocess

from tests.programs.programs import start_python, wait

# What tells of the machine and the moment, and not of the run.
INCIDENTAL = ("seconds", "finished", "num_devices", "runs_at_once")


def begin(
    *arguments: str, cache: pathlib.Path, name: str = "sweep"
) -> subprocess.Popen[str]:
    """Starts a program with a compilation cache of the tests' own."""
    folder = f"--compilation_cache_dir={cache}"
    return start_python(
        *("-m", "jaxfr", name, *arguments, folder), PYTHONWARNINGS="error"
    )


def run(
    *arguments: str, cache: pathlib.Path, name: str = "sweep"
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return wait(begin(*arguments, cache=cache, name=name))


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
