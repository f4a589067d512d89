"""Ctrl-C and SIGTERM: a line that says what is kept, and the same command goes on."""

import importlib
import json
import os
import pathlib
import signal
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from jaxfr.training import batch
from tests.programs.programs import (
    TINY,
    Ended,
    Started,
    jaxfr,
    lines,
    module,
    outcome,
    run,
    start,
)
from tests.programs.test_progress import lines_of_log
from tests.tournament.samples import fields

# So many that none of these programs comes to its end here.
ENDLESS = (TINY[0], "--rounds=10000000", "--num_devices=1")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def end(started: Started, number: signal.Signals, word: str) -> Ended:
    """Sends a signal when a program has said a word."""
    while started.lives() and word not in started.said():
        time.sleep(0.01)
    assert started.pid is not None
    os.kill(started.pid, number)
    return started.wait()


def hearing(program: Callable[[], Any] = jaxfr) -> None:
    """Tests may have been started where Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program()


def hearing_study() -> None:
    hearing(module("experiments.study"))


def hearing_reproduction() -> None:
    hearing(module("experiments.reproduce"))


@pytest.mark.parametrize(
    ("number", "program", "arguments", "store"),
    [
        (signal.SIGTERM, hearing, ("train", *ENDLESS), "store"),
        (signal.SIGINT, hearing, ("sweep", *ENDLESS), None),
        (signal.SIGINT, hearing_study, ("figure4", *ENDLESS), "store"),
        (
            signal.SIGTERM,
            hearing_reproduction,
            (*ENDLESS, "--studies=figure4", "--seeds=0"),
            "store",
        ),
    ],
)
def test_a_program_that_trains_ends_in_a_line(
    tmp_path, number, program, arguments, store
):
    kept = tmp_path / (store or "")
    where = f"--output_dir={tmp_path}" if store else f"--store={tmp_path}"
    started = start(*arguments, where, program=program)
    ended = end(started, number, "compiling")
    assert ended.returncode == CODES[number]
    *log, last = ended.stderr.splitlines()
    assert last == (
        f"stopped by {number.name}: finished runs are kept in {kept}; the same command "
        "goes on from there"
    )
    assert lines_of_log("\n".join(log))[-1].endswith("time left: not known yet")
    assert not [*(kept / "claims").glob("*.claim")]


def test_a_tournament_ends_in_a_line(tmp_path):
    suite = tmp_path / "endless.json"
    suite.write_text(json.dumps(fields() | {"rounds": 10_000_000}))
    folder = f"--output_dir={tmp_path / 'out'}"
    started = start("tournament", f"--suite={suite}", folder, program=hearing)
    ended = end(started, signal.SIGTERM, "compiling")
    assert ended.returncode == 143
    *_, last = ended.stderr.splitlines()
    kept = tmp_path / "out" / "store"
    assert last.startswith(f"stopped by SIGTERM: finished runs are kept in {kept};")


def benchmark_told_to_end() -> None:
    """``jaxfr``, which gets SIGTERM where it would measure a case."""
    benchmark = importlib.import_module("jaxfr.programs.benchmark")

    def told(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with mock.patch.object(benchmark, "measure_apart", told):
        jaxfr()


def test_a_benchmark_ends_in_a_line(tmp_path):
    arguments = ("benchmark", *TINY, f"--output_dir={tmp_path}")
    ended = run(*arguments, program=benchmark_told_to_end)
    assert ended.returncode == 143, ended.stderr
    *_, last = ended.stderr.splitlines()
    kept = tmp_path / "benchmark.jsonl"
    assert last == (
        f"stopped by SIGTERM: cases that were measured are kept in {kept}; the same "
        "command starts again"
    )


def told_to_end() -> None:
    """``jaxfr``, which gets a signal in that call of the compiled program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    left, train = [int(os.environ["CALLS"])], batch.train_batch

    def train_or_end(*arguments: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), int(os.environ["SIGNAL"]))
        return train(*arguments)

    batch.train_batch = train_or_end
    jaxfr()


def records(store: pathlib.Path) -> list[dict]:
    return sorted(map(outcome, lines(store)), key=lambda record: record["run"])


@pytest.mark.parametrize("number", CODES)
def test_nothing_finished_is_lost_and_the_same_command_does_the_rest(tmp_path, number):
    sweep = ("sweep", *TINY, "--seeds=0:4", "--num_devices=1")
    store, alone = tmp_path / "store", tmp_path / "alone"
    command = (*sweep, f"--store={store}")
    # Two calls for each run, the first of two rounds.
    stopped = run(*command, program=told_to_end, CALLS="6", SIGNAL=str(number.value))
    assert stopped.returncode == CODES[number]
    assert f"stopped by {number.name}: finished runs are kept in" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert len(lines(store)) == 2
    status = run("status", f"--store={store}", "--format=json")
    assert status.returncode == 3
    expected = {"runs": 4, "done": 2, "running": 0, "left": 2, "failed": 0}
    assert json.loads(status.stdout)["total"] == expected
    again = run(*command)
    assert "2 runs done, 2 found finished, 0 done by others" in again.stdout
    assert "4 of 4 runs done (2 before), 0 left" in again.stderr
    assert run("status", f"--store={store}").returncode == 0
    assert run(*sweep, f"--store={alone}").returncode == 0
    assert records(store) == records(alone)
