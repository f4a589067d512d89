"""Programs as a user starts them, each in a process of its own.

Python takes seconds to load JAX, so that ``run`` forks a process that has loaded it;
``start_python`` starts Python itself, for what a program does while it loads, how it
dies, and how it is told of others.
"""

import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable

ROOT = pathlib.Path(__file__).parents[2]
# Runs so small that a program spends its time on starting and compiling.
TINY = (
    "--dataset=synthetic:num_users=40:num_items=300:num_pairs=600",
    "--rounds=6",
    "--eval_every=3",
    "--model=fedmf:4",
    "--malicious_ratio=0.1",
)
# What tells of the machine and the moment, and not of the run.
INCIDENTAL = ("seconds", "finished", "num_devices", "runs_at_once", "checksum")
# JAX says so where another process is just writing the entry.
_HALF_WRITTEN = "Error reading persistent compilation cache"
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [
        *("jaxfr.__main__", "jaxfr.benchmarking.report", "jaxfr.sweeps.forecast"),
        *("jaxfr.records.export", "jaxfr.records.heatmap", "jaxfr.records.plots"),
        *("jaxfr.data.statistics", "matplotlib.backends.backend_agg", __name__),
    ]
)

Ended = subprocess.CompletedProcess[str]


def jaxfr() -> None:
    """The command itself."""
    from jaxfr.__main__ import main

    main()


def run(*arguments: str, program: Callable[[], None] = jaxfr, **environment: str):
    """Runs a program to its end; a warning is an error.

    Args:
        *arguments: those of the command line, as ``"train", "--seeds=0:3"``.
        program: what is run, a function of a module.
        **environment: variables, beside those of the tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = pathlib.Path(folder, "output"), pathlib.Path(folder, "errors")
        process = _LOADED.Process(
            target=_run_here, args=(program, arguments, environment, streams)
        )
        process.start()
        process.join()
        output, errors = (stream.read_text() for stream in streams)
        return Ended(arguments, process.exitcode or 0, output, errors)


def _run_here(
    program: Callable[[], None],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    streams: tuple[pathlib.Path, pathlib.Path],
) -> None:
    os.environ.update(environment)
    for stream, descriptor in zip(streams, (1, 2), strict=True):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), descriptor)
    warnings.simplefilter("error")
    warnings.filterwarnings("default", _HALF_WRITTEN)
    sys.argv = ["jaxfr", *arguments]
    program()


def start_python(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Starts Python in the checkout, with some variables of the environment set."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def start(*arguments: str) -> subprocess.Popen[str]:
    """Starts ``jaxfr`` by Python; a warning is an error."""
    strict = f"error,default:{_HALF_WRITTEN}"
    return start_python("-m", "jaxfr", *arguments, PYTHONWARNINGS=strict)


def wait(process: subprocess.Popen[str]) -> Ended:
    """Waits for a program to end."""
    output, errors = process.communicate()
    return Ended(process.args, process.returncode, output, errors)


def run_python(*arguments: str, **environment: str) -> Ended:
    """Runs Python in the checkout to its end."""
    return wait(start_python(*arguments, **environment))


def assert_refused(ended: Ended, named: str) -> None:
    """A user's mistake: one line that names it, nothing else, and exit code 2."""
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr


def lines(store: pathlib.Path) -> list[dict]:
    """All whole lines of all files of a store, those written twice twice."""
    return [
        json.loads(line)
        for path in sorted((store / "records").glob("*.jsonl"))
        for line in path.read_bytes().split(b"\n")[:-1]
    ]


def outcome(record: dict) -> dict:
    """What a run came to."""
    return {name: value for name, value in record.items() if name not in INCIDENTAL}
