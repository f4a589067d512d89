"""The fuzzing sees what it is there to see."""

import pathlib
import sys
import tempfile
import time

import pytest

from jaxfr.errors import InvalidInputError
from tests.fuzzing.judging import WrongOutcomeError, judge


def outcome_of(act, tmp_path, seconds=10.0):
    verdict = judge("kind", 0, lambda source, folder: act(), tmp_path, seconds)
    return verdict.outcome, verdict.find and verdict.find.error


def refuse(text):
    raise InvalidInputError(text)


def test_what_is_taken_or_refused_in_one_line_is_no_find(tmp_path):
    assert outcome_of(lambda: None, tmp_path) == ("accepted", None)
    assert outcome_of(lambda: refuse("x=1: too small"), tmp_path) == ("refused", None)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: {}["x"], "KeyError"),
        (lambda: sys.exit(3), "SystemExit"),
        (lambda: refuse(""), WrongOutcomeError.__name__),
        (lambda: print("\x1b[31m"), WrongOutcomeError.__name__),
        (lambda: time.sleep(60), "TooLong"),
    ],
)
def test_anything_else_is_a_find(act, error, tmp_path):
    assert outcome_of(act, tmp_path, seconds=0.2) == ("find", error)


def test_what_is_written_is_seen_unless_it_is_within_the_folder(tmp_path):
    folder, there = tmp_path / "folder", WrongOutcomeError.__name__
    folder.mkdir()
    within = (folder / "x").touch, lambda: pathlib.Path("y").mkdir(), tempfile.mkdtemp
    assert {outcome_of(act, folder) for act in within} == {("accepted", None)}
    outside = (tmp_path / "x").touch, (tmp_path / "y").mkdir, (tmp_path / "x").unlink
    assert {outcome_of(act, folder) for act in outside} == {("find", there)}


def test_the_same_seed_makes_the_same_input(tmp_path):
    made = []
    for _ in range(2):
        judge("kind", 7, lambda source, _: made.append(source.random()), tmp_path, 10.0)
    assert made[0] == made[1]
