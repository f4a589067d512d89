"""What programs that run share."""

import sys

from jaxfr.programs.running import show_progress


def test_a_bar_counts_the_finished_units(capsys):
    with show_progress(4, "round", "clean") as progress:
        for _ in range(4):
            progress.advance(1)
    assert "4/4" in capsys.readouterr().err


def test_without_tqdm_every_tenth_is_a_line_with_the_time_left(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with show_progress(100, "round", "clean") as progress:
        for _ in range(50):
            progress.advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("clean: 10 of 100 rounds, about")


def test_a_line_is_said_beside_the_bar_and_without_one(monkeypatch, capsys):
    with show_progress(4, "round", "clean") as progress:
        progress.say("compiling")
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with show_progress(4, "round", "clean") as progress:
        progress.say("running")
    lines = capsys.readouterr().err.splitlines()
    assert "running" in lines
    assert any(line.endswith("compiling") for line in lines)


def test_no_line_commands_a_terminal(monkeypatch, capsys):
    with show_progress(4, "round", "log\x07") as progress:
        progress.say("log\x1b[2J: compiling")
    shown = capsys.readouterr().err
    assert "log\\x1b[2J: compiling" in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
