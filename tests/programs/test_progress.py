"""How far the work of a program is, as a terminal and as a log show it."""

import re
import sys
import threading

import pytest

from jaxfr.programs import progress
from jaxfr.programs.progress import Work, show_progress

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d [^ ]+ (.*)")


def lines_of_log(text: str) -> list[str]:
    """The lines without their stamps, which each has."""
    assert "\r" not in text
    found = [STAMPED.fullmatch(line) for line in text.splitlines()]
    assert None not in found, text
    return [line[1] for line in found if line]


def test_time_left_is_that_of_the_rounds_left_at_the_pace_of_those_done_here():
    """What was found, and time aside, count for nothing."""
    now = [100.0]
    work = Work(runs=10, rounds=1000, clock=lambda: now[0])
    work.find(400)
    work.find_runs(4)
    assert work.seconds_left is None
    with work.aside():
        now[0] += 1000
        work.advance(100)
        assert work.seconds_left == 0
    now[0] += 10
    assert work.seconds_left == 50
    with work.aside():
        now[0] += 1000
        assert work.seconds_left == 50
    work.finish(1)
    work.fail(2, rounds=200)
    assert str(work) == (
        "5 of 10 runs done (4 before), 3 left, 2 failed; time left: 30.0 s"
    )


def test_compiling_left_is_told_apart_at_the_pace_of_the_programs_before():
    now = [0.0]
    work = Work(runs=4, rounds=40, programs=4, clock=lambda: now[0])
    with work.aside():
        now[0] += 5
    now[0] += 2
    work.advance(10)
    assert str(work).endswith("time left: 6.0 s, and 15.0 s for compiling 3 programs")


def test_a_log_has_stamped_lines_with_what_is_done_and_left(capsys):
    work = Work(runs=3, rounds=6)
    with show_progress(work, "sweep, shard 2 of 3") as say:
        say("ml-100k none mean: compiling")
        work.advance(6)
        work.finish(3)
    assert lines_of_log(capsys.readouterr().err) == [
        "sweep, shard 2 of 3: ml-100k none mean: compiling; 0 of 3 runs done, 3 left, "
        "0 failed; time left: not known yet",
        "sweep, shard 2 of 3: 3 of 3 runs done, 0 left, 0 failed; time left: 0.0 s",
    ]


def test_a_log_has_a_line_each_minute_whatever_the_main_thread_does(
    monkeypatch, capsys
):
    told, twice = [], threading.Event()

    def note(line: str) -> None:
        told.append(line)
        if len(told) == 2:
            twice.set()

    assert progress.SECONDS_BETWEEN_LINES == 60
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.001)
    monkeypatch.setattr(progress, "note", note)
    with show_progress(Work(runs=2, rounds=4), "train"):
        assert twice.wait(60)
    assert "train: 0 of 2 runs done, 2 left" in told[0]


def test_a_terminal_sees_a_bar_and_lines_beside_it(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    work = Work(runs=2, rounds=4)
    with show_progress(work, "train") as say:
        say("compiling")
        work.find(1)
        work.advance(2)
    shown = capsys.readouterr().err
    assert "train:  75%|" in shown
    assert "compiling\n" in shown
    assert "0 of 2 runs done" in shown


def test_without_tqdm_a_terminal_sees_lines(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with show_progress(Work(runs=2, rounds=4), "train") as say:
        say("compiling")
    first, _ = capsys.readouterr().err.splitlines()
    assert first.startswith("train: compiling; 0 of 2 runs done")


@pytest.mark.parametrize("shows", ["log", "terminal"])
def test_no_line_commands_a_terminal(shows, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: shows == "terminal")
    with show_progress(Work(runs=1, rounds=1), "log\x07") as say:
        say("log\x1b[2J: compiling")
    shown = capsys.readouterr().err
    assert "log\\x1b[2J: compiling" in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
