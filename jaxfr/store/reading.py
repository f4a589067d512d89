"""The records of a store's files, as one process has seen them.

Looking for new lines goes by their checksums alone. What a line holds is read when its
run is asked for: if it is no record, the line counts as damaged and its run as not
done.
"""

import itertools
import pathlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from jaxfr.errors import InvalidInputError
from jaxfr.files import open_regular, user_errors
from jaxfr.store.folder import RECORDS
from jaxfr.store.lines import decode_line, options_part, run_of_line
from jaxfr.terminal import note

Record = Mapping[str, Any]
# Says what a record lacks, None of one that lacks nothing.
Check = Callable[[Record], str | None]

_MOST_TOLD = 3


class _Place(NamedTuple):
    """Where a record stands: file, first byte, number of bytes."""

    path: pathlib.Path
    offset: int
    length: int


class StoreReader:
    """What stands in the files of a store; nothing before ``refresh``.

    ``damaged`` says where lines stand that count for nothing, as far as they were read.
    A file of the store that cannot be read is an ``InvalidInputError``.
    """

    def __init__(self, path: pathlib.Path, check: Check) -> None:
        self.path = path
        self.damaged: list[str] = []
        self._check = check
        self._ends: dict[pathlib.Path, int] = {}
        self._lines: dict[str, list[_Place]] = {}
        self._runs_of_options: dict[str, list[str]] = {}
        self._held: set[str] = set()
        self._told = 0

    def refresh(self) -> None:
        """Finds what was written since the last look."""
        folder = self.path / RECORDS
        with user_errors("read", folder):
            # (glob would pass over a folder that cannot be listed.)
            paths = sorted(folder.iterdir()) if folder.exists() else []
        for path in paths:
            if path.suffix != ".jsonl":
                continue
            offset = self._ends.get(path, 0)
            # Opened without a look at its size: that is when NFS asks its server.
            with user_errors("read", path), open_regular(path) as file:
                file.seek(offset)
                self._ends[path] = self._take_in(path, offset, file.read())

    @property
    def runs(self) -> list[str]:
        """The runs of all lines that are whole, in the order of the files."""
        return list(self._lines)

    def beginnings(self, runs: Collection[str], size: int) -> dict[str, bytes]:
        """The first bytes of the lines of some of ``runs``; no line is checked."""
        found = {}
        places = sorted((self._lines[run][0], run) for run in runs)
        for path, lines in itertools.groupby(places, lambda line: line[0].path):
            with user_errors("read", path), open_regular(path) as file:
                for place, run in lines:
                    file.seek(place.offset)
                    found[run] = file.read(min(size, place.length))
        return found

    def holds(self, run: str) -> bool:
        """Whether there is a record of this very run."""
        return run in self._held or bool(self.read([run]))

    def with_options_of(self, run: str) -> Iterator[str]:
        """The runs of the same options by any code, with records or not, last first."""
        return reversed(self._runs_of_options.get(options_part(run), []))

    def read(self, runs: Collection[str] | None = None) -> dict[str, Record]:
        """Reads the records of those of these runs that have one; by default of all.

        A run's lines are tried in turn; those that are no record are told of and
        forgotten.
        """
        wanted = list(self._lines if runs is None else runs)
        found: dict[str, Record] = {}
        while left := [r for r in wanted if r not in found and self._lines.get(r)]:
            first = sorted((self._lines[run][0], run) for run in left)
            for path, lines in itertools.groupby(first, lambda line: line[0].path):
                with user_errors("read", path), open_regular(path) as file:
                    for place, run in lines:
                        record = self._read_line(file, place, run)
                        if record is None:
                            del self._lines[run][0]
                        else:
                            found[run] = record
        self._held.update(found)
        return {run: found[run] for run in wanted if run in found}

    def _take_in(self, path: pathlib.Path, offset: int, content: bytes) -> int:
        """Notes the finished lines of a file from ``offset`` on; where they end."""
        *lines, _ = content.split(b"\n")  # the last one may be being written now
        for line in lines:
            run = run_of_line(line)
            if run is not None:
                if run not in self._lines:
                    of_options = self._runs_of_options
                    of_options.setdefault(options_part(run), []).append(run)
                place = _Place(path, offset, len(line))
                self._lines.setdefault(run, []).append(place)
            elif line.strip():
                self.damaged.append(f"{path.name} at byte {offset}")
            offset += len(line) + 1
        return offset

    def _read_line(self, file: BinaryIO, place: _Place, run: str) -> Record | None:
        """The record in a line; None if it is none."""
        file.seek(place.offset)
        line = file.read(place.length)
        if run_of_line(line) != run:
            raise InvalidInputError(f"{place.path}: changed while it was read")
        try:
            record = decode_line(line)
            lack = self._check(record)
        except ValueError as error:
            record, lack = {}, str(error)
        if lack is None:
            return record
        where = f"{place.path.name} at byte {place.offset}"
        self.damaged.append(where)
        self._told += 1
        if self._told <= _MOST_TOLD:
            more = "; further ones are not shown" * (self._told == _MOST_TOLD)
            note(
                f"jaxfr: {self.path}: a line in {RECORDS} counts for nothing, its run "
                f"as not done: {where} {lack}{more}"
            )
        return None
