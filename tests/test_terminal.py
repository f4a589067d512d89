"""Output that a terminal, a pipe or a full disk may refuse."""

import io
import os
import sys
from collections.abc import Callable
from typing import TextIO

import pytest

from jaxfr.terminal import excerpt, forgiving_streams, note, printable, printable_lines

FULL = "/dev/full"
needs_full = pytest.mark.skipif(not os.path.exists(FULL), reason="no /dev/full here")


def closed_pipe() -> TextIO:
    """A pipe whose reader went away."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full_disk() -> TextIO:
    return open(FULL, "w")


@pytest.fixture
def program(monkeypatch) -> Callable[..., int | str | None]:
    """Runs a program with streams of the test's, and returns its exit code."""

    def run(main: Callable[[], object], output: TextIO, errors: TextIO | None = None):
        monkeypatch.setattr(sys, "stdout", output)
        if errors is not None:
            monkeypatch.setattr(sys, "stderr", errors)

        @forgiving_streams()
        def started() -> None:
            main()
            sys.exit(0)

        with pytest.raises(SystemExit) as ended:
            started()
        assert sys.stdout is output
        return ended.value.code

    return run


def print_much() -> None:
    for _ in range(10_000):
        print("a line of a table")


@pytest.mark.parametrize("work", [print_much, lambda: print("little")])
def test_a_reader_that_goes_away_ends_the_output_and_nothing_else(
    program, capsys, work
):
    done = []
    with closed_pipe() as output:
        assert program(lambda: (work(), done.append("all")), output) == 0
    assert done == ["all"]
    assert capsys.readouterr().err == ""


@needs_full
@pytest.mark.parametrize("work", [print_much, lambda: print("little")])
def test_a_full_disk_is_told_in_one_line_and_shows_in_the_exit_code(
    program, capsys, work
):
    done = []
    with full_disk() as output:
        assert program(lambda: (work(), done.append("all")), output) == 1
    assert done == ["all"]
    told = capsys.readouterr().err
    assert told.startswith("cannot write to the standard output")
    assert told.count("\n") == 1


@needs_full
def test_a_program_s_own_exit_code_stays(program):
    with full_disk() as output:
        assert program(lambda: (print("table"), sys.exit(2)), output) == 2


def test_what_an_encoding_lacks_is_replaced(program):
    written = io.BytesIO()
    output = io.TextIOWrapper(written, encoding="ascii")
    assert program(lambda: print("0.5000 ± 0.1000"), output) == 0
    assert written.getvalue() == b"0.5000 ? 0.1000\n"


@pytest.mark.parametrize(
    "broken", [closed_pipe, pytest.param(full_disk, marks=needs_full)]
)
def test_errors_that_nobody_can_read_cost_nothing(program, capsys, broken):
    def main() -> None:
        for _ in range(3):
            note("compiling")
            print("progress", file=sys.stderr, flush=True)

    output = io.StringIO()
    with broken() as errors:
        assert program(lambda: (main(), print("table")), output, errors) == 0
    assert output.getvalue() == "table\n"


def test_what_a_terminal_obeys_is_written_out():
    text = "log\x1b[31m\x07\r\n\t\u202e\u2028\udc80.csv"
    assert printable(text) == r"log\x1b[31m\x07\r\n\t\u202e\u2028\udc80.csv"
    assert printable("Größe 大 ± é–") == "Größe 大 ± é–"
    assert printable_lines("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_an_excerpt_is_short_and_on_one_line():
    assert excerpt("a\n\x1b[31mb é") == r"a\n\x1b[31mb é"
    assert excerpt(7) == "7"
    assert excerpt("x" * 5000) == "x" * 80


def test_nothing_that_is_printed_is_obeyed(program, capsys):
    output = io.StringIO()
    assert program(lambda: print("log\x1b]0;title\x07", "b", sep="\n"), output) == 0
    assert output.getvalue() == "log\\x1b]0;title\\x07\nb\n"
    note("log\x1b[2J")
    assert capsys.readouterr().err == "log\\x1b[2J\n"
