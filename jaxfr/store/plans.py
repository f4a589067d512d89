"""Which runs somebody wants to be in a store, and which ended with an error.

For people who ask how far it is, and which of several versions of a run they look at.
Nothing that is run goes by it, so that it costs nobody an error where it cannot be
written, and counts for nothing where it is damaged.
"""

import contextlib
import datetime
import hashlib
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from jaxfr.errors import InvalidInputError
from jaxfr.files import write_atomically
from jaxfr.store.folder import FAILURES, PLANS, host_and_process

Programs: TypeAlias = Sequence[tuple[str, Sequence[str]]]
"""Titles of programs, each with its runs."""

_DIGITS = 16
# Of plans that do not say when they were wanted.
_OF_OLD = "2000-01-01T00:00:00+00:00"


class StoredPlan(NamedTuple):
    """What a command wanted; whether runs by other code would do for it; when."""

    programs: Programs
    any_code: bool
    wanted: datetime.datetime


class Failure(NamedTuple):
    """Runs that ended with an error, in a line, and where that was."""

    host: str
    process: int
    runs: tuple[str, ...]
    error: str


def leave_plan(path: pathlib.Path, programs: Programs, any_code: bool) -> None:
    """Leaves a plan in a store; the same one, of other shards too, is there once."""
    plan = {"programs": programs, "any_code": any_code}
    name = hashlib.sha256(json.dumps(plan).encode()).hexdigest()[:_DIGITS]
    # Not the file's time, which is another one where a store was copied.
    wanted = datetime.datetime.now(datetime.UTC).isoformat()
    content = json.dumps({"wanted": wanted, **plan}).encode()
    with contextlib.suppress(OSError, InvalidInputError):
        write_atomically(path / PLANS / f"{name}.json", content)


def read_plans(path: pathlib.Path) -> list[StoredPlan]:
    """The plans in a store, in the order in which they were last wanted."""
    found = []
    for file in sorted((path / PLANS).glob("*.json")):
        for plan in _values(file):
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                programs = [(str(title), [*runs]) for title, runs in plan["programs"]]
                moment = datetime.datetime.fromisoformat(plan.get("wanted", _OF_OLD))
                stored = programs, bool(plan["any_code"]), moment.astimezone()
                if all(isinstance(run, str) for _, runs in programs for run in runs):
                    found.append(StoredPlan(*stored))
    return sorted(found, key=lambda plan: plan.wanted)


def last_wanted(path: pathlib.Path) -> dict[str, datetime.datetime]:
    """When each run of a store was wanted last, of those that a plan names."""
    return {
        run: plan.wanted
        for plan in read_plans(path)
        for _, runs in plan.programs
        for run in runs
    }


def leave_failure(
    path: pathlib.Path, writer: str, runs: Sequence[str], error: BaseException
) -> None:
    """Leaves in a store which runs ended with an error; the writer's file grows."""
    line = f"{type(error).__name__}: " * (not isinstance(error, InvalidInputError))
    line += " ".join(str(error).split())
    with contextlib.suppress(OSError):
        (path / FAILURES).mkdir(exist_ok=True)
        with (path / FAILURES / f"{writer}.jsonl").open("a") as file:
            file.write(json.dumps({"runs": [*runs], "error": line}) + "\n")


def read_failures(path: pathlib.Path) -> Iterator[Failure]:
    """What failed in a store, the oldest process first; also what was done since."""
    for file in sorted((path / FAILURES).glob("*.jsonl")):
        for failure in _values(file):
            with contextlib.suppress(KeyError, TypeError):
                runs = tuple(run for run in failure["runs"] if isinstance(run, str))
                yield Failure(*host_and_process(file.stem), runs, str(failure["error"]))


def _values(file: pathlib.Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a file that are JSON."""
    with contextlib.suppress(OSError):
        for line in file.read_bytes().splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                yield json.loads(line)
