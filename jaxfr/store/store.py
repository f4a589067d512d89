"""The store: what is finished, what is in somebody's hands, and how records get in."""

import contextlib
import importlib
import itertools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors
from jaxfr.store.claims import Claims
from jaxfr.store.folder import CLAIMS, RECORDS, check_kind, make_folder, writer_name
from jaxfr.store.lines import encode_line
from jaxfr.store.plans import Programs, leave_failure, leave_plan
from jaxfr.store.reading import Check, Record, StoreReader
from jaxfr.terminal import note


class Store(StoreReader):
    """A folder of records, as one process sees it and writes to it.

    Made by ``open_store``. Every process writes to a file of its own, so that nobody
    ever writes behind another one's unfinished line. What cannot be written, for
    instance onto a full disk, is an ``InvalidInputError``.
    """

    def __init__(self, path: pathlib.Path, any_code: bool, check: Check) -> None:
        super().__init__(path, check)
        self._any_code = any_code
        self._writer = writer_name()
        self._claims = Claims(path / CLAIMS, self._writer)
        self._own_file: pathlib.Path | None = None

    def is_finished(self, run: str) -> bool:
        """Whether a run's record is there, as of the last look."""
        return self._find(run) is not None

    def claim(self, runs: Sequence[str], at_most: int) -> tuple[str, ...]:
        """Takes the first runs that are neither finished nor in other hands.

        At most so many; what was claimed before is given up.
        """
        with user_errors("write", self.path), self._claims.alone():
            self.refresh()
            taken = self._claims.of_others()
            open_runs = (
                run for run in runs if run not in taken and not self.is_finished(run)
            )
            claimed = tuple(itertools.islice(open_runs, at_most))
            self._claims.hold(claimed)
        return claimed

    def in_other_hands(self, runs: Sequence[str]) -> frozenset[str]:
        """Which of these runs other processes have claimed."""
        with user_errors("write", self.path), self._claims.alone():
            self.refresh()
            return self._claims.of_others().intersection(runs)

    def append(self, records: Sequence[Record]) -> None:
        """Adds records, all of them or none, and gives up all claims.

        A record of a run that is there already is left out; one that is none by the
        store's check is a ``ValueError``.
        """
        for record in records:
            lack = self._check(record)
            if lack is not None:
                raise ValueError(f"the record of {record['run']} {lack}")
        with user_errors("write", self.path), self._claims.alone():
            self.refresh()
            fresh = {
                record["run"]: record
                for record in records
                if not self.holds(record["run"])
            }
            if fresh:
                self._write(b"".join(encode_line(record) for record in fresh.values()))
                self.refresh()
            self._claims.hold([])

    def announce(self, programs: Programs) -> None:
        """Says which runs, program by program, somebody wants to be in here."""
        leave_plan(self.path, programs, self._any_code)

    def tell(self, progress: Mapping[str, Any]) -> None:
        """Says, in values of JSON, how far the runs are that were claimed last."""
        self._claims.tell(progress)

    def fail(self, runs: Sequence[str], error: BaseException) -> None:
        """Says that these runs ended with an error."""
        leave_failure(self.path, self._writer, runs, error)

    def records(self, runs: Sequence[str] | None = None) -> list[Record]:
        """The records of these finished runs; by default all, process by process."""
        if runs is None:
            return list(self.read().values())
        chosen = [self._find(run) or run for run in runs]
        found = self.read(set(chosen))
        return [found[run] for run in chosen]

    def close(self) -> None:
        """Gives up all claims."""
        with contextlib.suppress(OSError), self._claims.alone():
            self._claims.close()

    def _find(self, run: str) -> str | None:
        """The finished run that a wanted one is, or None."""
        others = self.with_options_of(run) if self._any_code else ()
        return next(filter(self.holds, (run, *others)), None)

    def _write(self, lines: bytes) -> None:
        """Puts lines behind those of this process's file, or leaves it as it was."""
        path = self._own_file
        if path is None:
            path = self.path / RECORDS / f"{self._writer}.jsonl"
            while path.exists():
                path = path.with_name(f"{writer_name()}.jsonl")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        size = os.fstat(descriptor).st_size
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except BaseException:
            # A file that may end in half a line is not written to any more.
            self._own_file = None
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)
                if size == 0:
                    path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._own_file = path


def accept_any(record: Record) -> None:
    """The check that finds every record to be one."""


@contextlib.contextmanager
def open_store(
    path: pathlib.Path, any_code: bool = False, check: Check = accept_any
) -> Iterator[Store]:
    """Opens a store to read and to write, and makes it where there is none.

    With ``any_code`` a run counts as finished that other code finished. The check, such
    as ``lack_of_record``, is of every record that is read or written. A folder of
    another kind is refused.
    """
    make_folder(path)
    # What reading a record needs is loaded before, and not while others are kept out.
    importlib.import_module("jaxfr.evaluation.names")
    store = Store(path, any_code, check)
    # Says at once if nothing can be written, and reads while nobody else writes: a
    # batch that does not fit onto a disk is taken back.
    store.claim((), at_most=0)
    _report(store)
    try:
        yield store
    finally:
        store.close()


def look_into_store(
    path: pathlib.Path, any_code: bool = False, check: Check = accept_any
) -> Store | None:
    """Opens a store to read only, see ``open_store``; None where there is none."""
    with user_errors("read", path):
        if not path.exists():
            return None
    check_kind(path)
    store = Store(path, any_code, check)
    store.refresh()
    _report(store)
    return store


def read_store(path: pathlib.Path, check: Check = accept_any) -> list[Record]:
    """Reads all records of a store that pass the check, and refuses what is none."""
    store = look_into_store(path, check=check)
    if store is None:
        raise InvalidInputError(f"{path}: there is no result store")
    return store.records()


def _report(store: Store) -> None:
    if store.damaged:
        shown = "; ".join(store.damaged[:3]) + "; ..." * (len(store.damaged) > 3)
        note(
            f"jaxfr: {store.path}: {len(store.damaged)} damaged or foreign lines in "
            f"{RECORDS} count for nothing, their runs as not done ({shown})"
        )
