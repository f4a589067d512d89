"""Which runs somebody wants to be in a store, and which ended with an error.

For people who ask how far it is. Nothing that is run goes by it, so that it costs
nobody an error where it cannot be written, and counts for nothing where it is damaged.
"""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from jaxfr.errors import InvalidInputError
from jaxfr.files import write_atomically
from jaxfr.store.folder import FAILURES, PLANS, host_and_process

Programs: TypeAlias = Sequence[tuple[str, Sequence[str]]]
"""Titles of programs, each with its runs."""

_DIGITS = 16


class StoredPlan(NamedTuple):
    """What a command wanted; whether runs by other code would do for it."""

    programs: Programs
    any_code: bool


class Failure(NamedTuple):
    """Runs that ended with an error, in a line, and where that was."""

    host: str
    process: int
    runs: tuple[str, ...]
    error: str


def leave_plan(path: pathlib.Path, programs: Programs, any_code: bool) -> None:
    """Leaves a plan in a store; the same one, of other shards too, is there once."""
    content = json.dumps({"programs": programs, "any_code": any_code}).encode()
    name = hashlib.sha256(content).hexdigest()[:_DIGITS]
    file = path / PLANS / f"{name}.json"
    with contextlib.suppress(OSError, InvalidInputError):
        if file.exists():
            os.utime(file)  # the one that was wanted last
        else:
            write_atomically(file, content)


def read_plans(path: pathlib.Path) -> Iterator[StoredPlan]:
    """The plans in a store, in the order in which they were last wanted."""
    files = [*(path / PLANS).glob("*.json")]
    for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        for plan in _values(file):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                programs = [(str(title), [*runs]) for title, runs in plan["programs"]]
                if all(isinstance(run, str) for _, runs in programs for run in runs):
                    yield StoredPlan(programs, bool(plan["any_code"]))


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
