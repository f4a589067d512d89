"""Small stores, and what stands in their files."""

import contextlib
import pathlib
import resource
from collections.abc import Iterator

from jaxfr.store import open_store, read_store


def record(run: str, value: object = None) -> dict[str, object]:
    return {"run": run, "value": value}


def fill(path: pathlib.Path, *runs: str) -> None:
    """Appends a record of each run, as a process of its own would."""
    with open_store(path) as store:
        store.append([record(run) for run in runs])


def runs_of(path: pathlib.Path) -> list[str]:
    return [read["run"] for read in read_store(path)]


def files_of(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted((path / "records").iterdir())


def lines_of(path: pathlib.Path) -> list[bytes]:
    """Every line with its end, also those that count for nothing."""
    return [
        line for file in files_of(path) for line in file.read_bytes().splitlines(True)
    ]


@contextlib.contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Lets no file grow beyond ``size``; what still fits is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
