"""The store: what is finished, what is in somebody's hands, and how records get in."""

import contextlib
import itertools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxfr.errors import InvalidInputError
from jaxfr.files import note, user_errors
from jaxfr.store.claims import Claims
from jaxfr.store.folder import CLAIMS, RECORDS, check_kind, make_folder, writer_name
from jaxfr.store.identity import settings_part
from jaxfr.store.lines import decode_line, encode_line, run_of_line

Record = Mapping[str, Any]


class _Place(NamedTuple):
    """Where a record stands: the file, its first byte, and how many bytes it has."""

    path: pathlib.Path
    offset: int
    length: int


class Store:
    """A folder of records, as one process sees it and writes to it.

    Made by ``open_store``. Every process writes to a file of its own, so that nobody
    ever writes behind another one's unfinished line.
    """

    def __init__(self, path: pathlib.Path, any_code: bool) -> None:
        """Knows of no record before ``refresh``.

        Args:
            path: the folder.
            any_code: whether a run counts as finished that other code finished.
        """
        self.path = path
        self._any_code = any_code
        self._writer = writer_name()
        self._claims = Claims(path / CLAIMS, self._writer)
        self._own_file: pathlib.Path | None = None
        self._read: dict[pathlib.Path, int] = {}
        self._places: dict[str, _Place] = {}
        self._settings: dict[str, str] = {}
        self.damaged: list[str] = []

    def is_finished(self, run: str) -> bool:
        """Whether a run's record is there, as of the last look."""
        return self._find(run) is not None

    def claim(self, runs: Sequence[str], at_most: int) -> tuple[str, ...]:
        """Takes the first runs that are neither finished nor in other hands.

        What was claimed before is given up.

        Args:
            runs: the wanted runs.
            at_most: how many to take.

        Raises:
            InvalidInputError: if the store cannot be written.
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
        """Which of these runs other processes have claimed.

        Raises:
            InvalidInputError: if the store cannot be written.
        """
        with user_errors("write", self.path), self._claims.alone():
            self.refresh()
            return self._claims.of_others().intersection(runs)

    def append(self, records: Sequence[Record]) -> None:
        """Adds records, all of them or none, and gives up all claims.

        A record of a run that is there already is left out.

        Raises:
            InvalidInputError: if they cannot be written, for instance onto a full disk.
        """
        with user_errors("write", self.path), self._claims.alone():
            self.refresh()
            fresh = {
                record["run"]: record
                for record in records
                if record["run"] not in self._places
            }
            if fresh:
                self._write(b"".join(encode_line(record) for record in fresh.values()))
                self.refresh()
            self._claims.hold([])

    def records(self, runs: Sequence[str] | None = None) -> list[Record]:
        """Reads records.

        Args:
            runs: which, all of them finished; by default all, those of one process
                in the order in which they were written.

        Raises:
            InvalidInputError: if a file of the store cannot be read.
        """
        if runs is None:
            places = list(self._places.values())
        else:
            places = [self._places[self._find(run) or run] for run in runs]
        records: dict[_Place, Record] = {}
        for path, wanted in itertools.groupby(sorted(places), lambda at: at.path):
            with user_errors("read", path), path.open("rb") as file:
                for place in wanted:
                    file.seek(place.offset)
                    line = file.read(place.length)
                    if run_of_line(line) is None:
                        raise InvalidInputError(f"{path}: changed while it was read")
                    records[place] = decode_line(line)
        return [records[place] for place in places]

    def refresh(self) -> None:
        """Reads what was written since the last look.

        Raises:
            InvalidInputError: if a file of the store cannot be read.
        """
        folder = self.path / RECORDS
        with user_errors("read", folder):
            # (glob would pass over a folder that cannot be listed.)
            paths = sorted(folder.iterdir()) if folder.exists() else []
        for path in paths:
            if path.suffix != ".jsonl":
                continue
            offset = self._read.get(path, 0)
            # Opened without a look at its size: that is when NFS asks its server.
            with user_errors("read", path), path.open("rb", buffering=0) as file:
                file.seek(offset)
                self._read[path] = self._take_in(path, offset, file.read())

    def close(self) -> None:
        """Gives up all claims."""
        with contextlib.suppress(OSError), self._claims.alone():
            self._claims.close()

    def _find(self, run: str) -> str | None:
        """The finished run that a wanted one is, or None."""
        if run in self._places or not self._any_code:
            return run if run in self._places else None
        return self._settings.get(settings_part(run))

    def _take_in(self, path: pathlib.Path, offset: int, content: bytes) -> int:
        """Notes the finished lines of a file from ``offset`` on; where they end."""
        *lines, _ = content.split(b"\n")  # the last one may be being written now
        for line in lines:
            run = run_of_line(line)
            if run is not None and run not in self._places:
                self._places[run] = _Place(path, offset, len(line))
                self._settings[settings_part(run)] = run
            elif run is None and line.strip():
                self.damaged.append(f"{path.name} at byte {offset}")
            offset += len(line) + 1
        return offset

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


@contextlib.contextmanager
def open_store(path: pathlib.Path, any_code: bool = False) -> Iterator[Store]:
    """Opens a store to read and to write, and makes it where there is none.

    Args:
        path: the folder.
        any_code: whether a run counts as finished that other code finished.

    Raises:
        InvalidInputError: if the folder is of another kind, or cannot be written.
    """
    make_folder(path)
    store = Store(path, any_code)
    # Says at once if nothing can be written, and reads while nobody else writes: a
    # batch that does not fit onto a disk is taken back.
    store.claim((), at_most=0)
    _report(store)
    try:
        yield store
    finally:
        store.close()


def look_into_store(path: pathlib.Path, any_code: bool = False) -> Store | None:
    """Opens a store to read only; None where there is nothing yet.

    Raises:
        InvalidInputError: if the folder is of another kind, or cannot be read.
    """
    with user_errors("read", path):
        if not path.exists():
            return None
    check_kind(path)
    store = Store(path, any_code)
    store.refresh()
    _report(store)
    return store


def read_store(path: pathlib.Path) -> list[Record]:
    """Reads all records of a store.

    Raises:
        InvalidInputError: if there is none, or it cannot be read.
    """
    store = look_into_store(path)
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
