"""A program that is asked to end cleans up, says what is kept, and ends."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from jaxfr import stopping
from jaxfr.files import UNFINISHED_PREFIX, replacing, temporary_folder
from jaxfr.programs.program import run_program
from jaxfr.stopping import (
    SIGNALS,
    Stopped,
    deaf_children,
    describe,
    end_at_once_while_loading,
    keep,
    keeping,
    stoppable,
    uninterrupted,
)
from jaxfr.store import open_store
from tests.programs.programs import run, run_python, start
from tests.store.samples import record, runs_of


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """Whatever they were where pytest was started, here they are heard."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def stopped_by(work: Callable[[], object]) -> Stopped:
    with pytest.raises(Stopped) as stopped, stoppable():
        work()
    return stopped.value


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_leaves_no_temporary_folder(number, tmp_path, monkeypatch):
    def work() -> None:
        with temporary_folder() as folder:
            (folder / "file").touch()
            signal.raise_signal(number)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stopped = stopped_by(work)
    assert (stopped.number, stopped.exit_code) == (number, 128 + number)
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_does_not_interrupt_what_the_first_one_began():
    cleaned = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    assert stopped_by(work).number == signal.SIGINT
    assert cleaned


def opening() -> None:
    """A program that gets SIGTERM where a file is open that nothing holds yet."""

    def work() -> None:
        print(open(os.devnull), signal.raise_signal(signal.SIGTERM))  # noqa: SIM115

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    run_program(work)


def test_a_file_that_a_signal_left_open_is_not_told_of():
    ended = run(program=opening)
    assert ended.returncode == 143
    assert ended.stderr == (
        "stopped by SIGTERM: no unfinished work is kept; the same command starts "
        "again\n"
    )


def never_ending() -> None:
    """A program that gets SIGTERM, and then is in a call of C for ever."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stopping.SECONDS_TO_CLEAN_UP = float(os.environ["SECONDS_TO_CLEAN_UP"])

    def main() -> None:
        keep("records are kept")
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            print("cleaning", flush=True)
            mutex = ctypes.create_string_buffer(256)
            for _ in range(2):
                ctypes.CDLL(None).pthread_mutex_lock(mutex)

    run_program(main)


def test_a_ctrl_c_after_another_signal_kills_at_once_also_in_a_computation():
    started = start(program=never_ending, SECONDS_TO_CLEAN_UP="60")
    while started.lives() and "cleaning" not in started.said():
        time.sleep(0.01)
    assert started.pid is not None
    os.kill(started.pid, signal.SIGINT)
    ended = started.wait()
    assert ended.returncode == 130
    assert ended.stderr == (
        "killed by SIGINT: records are kept; the same command goes on from there\n"
    )


def test_a_program_that_cannot_clean_up_ends_before_slurm_kills_it():
    ended = run(program=never_ending, SECONDS_TO_CLEAN_UP="0.01")
    assert ended.returncode == 143
    assert ended.stderr == (
        "stopped by SIGTERM, 0.01 s later: records are kept; the same command goes on "
        "from there\n"
    )
    assert stopping.SECONDS_TO_CLEAN_UP < 30


def test_what_is_kept_in_the_end_stays_said():
    def work() -> None:
        keep("records are kept")
        with keeping("checkpoints are kept"):
            keep("records are kept")
        signal.raise_signal(signal.SIGTERM)

    (kept,) = stopped_by(work).kept
    assert kept.what == "records are kept"


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stoppable(), uninterrupted():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_signal_is_not_lost_where_exceptions_are():
    class Noisy:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def work() -> None:
        noisy = Noisy()
        del noisy
        assert not threading.Event().wait(20)
        pytest.fail("nothing was heard of it")

    begun = time.monotonic()
    stopped_by(work)
    assert time.monotonic() - begun < 15


def test_a_file_is_written_to_its_end_before_the_program_ends(tmp_path):
    def work() -> None:
        with replacing(tmp_path / "x") as unfinished:
            signal.raise_signal(signal.SIGTERM)
            unfinished.write_text("whole")
        pytest.fail("went on behind the file")

    stopped_by(work)
    assert (tmp_path / "x").read_text() == "whole"
    assert not list(tmp_path.glob(f"{UNFINISHED_PREFIX}*"))


def test_a_record_is_written_to_its_end_before_the_program_ends(tmp_path, monkeypatch):
    def work() -> None:
        with open_store(tmp_path / "store") as store:
            store.claim(["a"], at_most=1)
            monkeypatch.setattr(
                "os.fsync", lambda descriptor: signal.raise_signal(signal.SIGINT)
            )
            store.append([record("a")])
        pytest.fail("went on behind the record")

    stopped_by(work)
    assert runs_of(tmp_path / "store") == ["a"]
    assert not list((tmp_path / "store" / "claims").glob("*.claim"))


def test_what_is_kept_is_said_from_the_inside_out():
    def work() -> None:
        with keeping("records are kept"), keeping("checkpoints are kept"):
            signal.raise_signal(signal.SIGTERM)

    assert describe(stopped_by(work)) == (
        "stopped by SIGTERM: checkpoints are kept; records are kept; the same command "
        "goes on from there"
    )


@pytest.mark.parametrize(
    ("argv0", "started", "heard"),
    [
        ("/venv/bin/jaxfr", ["python", "/venv/bin/jaxfr"], True),
        ("-m", ["python", "-W", "error", "-m", "jaxfr", "train"], True),
        ("-m", ["python", "-m", "experiments.reproduce"], True),
        ("-m", ["python", "-m", "pytest", "jaxfr"], False),
        ("mine.py", ["python", "mine.py"], False),
        ("", ["python"], False),
    ],
)
def test_only_a_program_is_stoppable_while_it_loads(monkeypatch, argv0, started, heard):
    monkeypatch.setattr(sys, "argv", [argv0])
    monkeypatch.setattr(sys, "orig_argv", started)
    before = signal.getsignal(signal.SIGINT)
    end_at_once_while_loading()
    assert (signal.getsignal(signal.SIGINT) is not before) == heard


def test_a_program_that_loads_ends_in_a_line():
    code = (
        "import signal, sys; sys.argv = ['jaxfr']; signal.signal(signal.SIGINT, "
        "signal.default_int_handler); from jaxfr import stopping; "
        "signal.raise_signal(signal.SIGINT)"
    )
    ended = run_python("-c", code)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == (
        "stopped by SIGINT: no unfinished work is kept; the same command starts again\n"
    )


def test_what_is_heard_while_children_start_is_heard_behind_them():
    begun = []

    def start_children() -> None:
        with deaf_children():
            signal.raise_signal(signal.SIGINT)
            begun.append("all")

    with pytest.raises(Stopped), stoppable():
        start_children()
    assert begun


def test_a_child_is_started_with_ctrl_c_waiting():
    asked = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with deaf_children():
        told = subprocess.check_output([sys.executable, "-c", asked], text=True)
    assert "SIGINT" in told
