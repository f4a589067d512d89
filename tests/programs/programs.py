"""Programs as a user starts them, each in a process of its own.

Python takes seconds to load JAX, so that ``start`` and ``run`` fork a process that has
loaded it; ``run_python`` starts Python itself, for what a program does while it loads.
"""

import functools
import json
import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

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
# More than any takes on a busy machine: beyond, it hangs, and is killed (exit code -9).
_MOST_SECONDS = 1200
# JAX says so where another process is just writing the entry.
_HALF_WRITTEN = "Error reading persistent compilation cache"
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [
        *("jaxfr.__main__", "jaxfr.benchmarking.report", "jaxfr.sweeps.forecast"),
        *("jaxfr.records.export", "jaxfr.records.heatmap", "jaxfr.records.plots"),
        *("jaxfr.data.statistics", "jaxfr.sweeps.work", "jaxfr.compilation_cache"),
        *("matplotlib.backends.backend_agg", __name__),
    ]
)

Ended = subprocess.CompletedProcess[str]


def jaxfr() -> None:
    """The command itself."""
    from jaxfr.__main__ import main

    main()


def module(name: str) -> Callable[[], Any]:
    """What ``python -m name`` runs."""
    return functools.partial(runpy.run_module, name, run_name="__main__")


class Started:
    """A program in a process of its own."""

    def __init__(
        self,
        program: Callable[[], Any],
        arguments: tuple[str, ...],
        environment: dict[str, str],
    ) -> None:
        self._arguments = arguments
        self._folder = tempfile.TemporaryDirectory()
        self._streams = [pathlib.Path(self._folder.name, n) for n in ("out", "err")]
        self._process = _LOADED.Process(
            target=_run_here, args=(program, arguments, environment, self._streams)
        )
        self._process.start()
        self.pid = self._process.pid
        self._last_moment = time.monotonic() + _MOST_SECONDS

    def lives(self) -> bool:
        """Whether it has not ended yet; one that would never end is killed."""
        if time.monotonic() > self._last_moment:
            self.kill()
            self._process.join()
        return self._process.is_alive()

    def said(self) -> str:
        """All that it printed until now, on both outputs."""
        return "".join(s.read_text() for s in self._streams if s.exists())

    def kill(self) -> None:
        """Ends it, as the system does, without a word."""
        self._process.kill()

    def wait(self) -> Ended:
        """Waits for its end, and says what became of it."""
        self._process.join(max(self._last_moment - time.monotonic(), 0))
        if self._process.is_alive():
            self.kill()
            self._process.join()
        with self._folder:
            told = [s.read_text() if s.exists() else "" for s in self._streams]
        return Ended(self._arguments, self._process.exitcode or 0, *told)


def start(
    *arguments: str, program: Callable[[], Any] = jaxfr, **environment: str
) -> Started:
    """Starts a program in the checkout; a warning is an error.

    Args:
        *arguments: those of the command line, as ``"train", "--seeds=0:3"``.
        program: what is run, a function of a module.
        **environment: variables, beside those of the tests.
    """
    return Started(program, arguments, environment)


def run(
    *arguments: str, program: Callable[[], Any] = jaxfr, **environment: str
) -> Ended:
    """Runs a program to its end, see ``start``."""
    return start(*arguments, program=program, **environment).wait()


def _run_here(
    program: Callable[[], Any],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    streams: list[pathlib.Path],
) -> None:
    os.chdir(ROOT)
    os.environ.update(environment)
    for stream, descriptor in zip(streams, (1, 2), strict=True):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), descriptor)
    warnings.simplefilter("error")
    warnings.filterwarnings("default", _HALF_WRITTEN)
    sys.argv = ["jaxfr", *arguments]
    program()


def run_python(*arguments: str, **environment: str) -> Ended:
    """Runs Python itself, in the checkout, to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def instead(given: Iterable[str], *others: str) -> list[str]:
    """Flags with others in place of those that have the same names."""
    names = {flag.partition("=")[0] for flag in others}
    return [flag for flag in given if flag.partition("=")[0] not in names] + [*others]


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
