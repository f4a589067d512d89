"""The checkpoints of one piece of work: written, found, gone on from and pruned.

Their folder is named after the work. Each file also says itself which work, round and
process it is of, so that one that was copied to another place is not used there.
"""

import math
import pathlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxfr.checkpoints.arrays import Label, read_arrays, read_label, write_arrays
from jaxfr.errors import InvalidInputError
from jaxfr.files import UNFINISHED_PREFIX, replacing, sync_folder, user_errors
from jaxfr.processes import agree, is_leader
from jaxfr.terminal import note

T = TypeVar("T")

_ROUND = re.compile(r"round_(\d{6,})")


class CheckpointOptions(NamedTuple):
    """Where checkpoints are kept, by any number of processes, and how many."""

    directory: pathlib.Path
    seconds: float = 300.0  # at least so many between two of one piece of work
    keep: int = 2  # how many of them, at least 1


def prepare_directory(options: CheckpointOptions) -> None:
    """Makes the directory, and refuses at once where nothing can be kept."""
    if options.keep < 1:
        raise InvalidInputError(f"keep={options.keep} checkpoints: must be at least 1")
    if math.isnan(options.seconds) or options.seconds < 0:
        raise InvalidInputError(
            f"seconds={options.seconds} between checkpoints: must be at least 0"
        )
    with user_errors("keep checkpoints in", options.directory):
        options.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=options.directory):
            pass


class CheckpointKeeper:
    """The checkpoints of one piece of work.

    Where several processes do the work together, each has a keeper, and calls its
    methods when the others do. The time to the first checkpoint begins with it. The
    identity names the work and all that decides its outcome, as a name of a folder;
    checkpoints of other identities are never looked at. ``tell`` is told, in a line,
    what becomes of checkpoints; the clock has seconds from any moment.
    """

    def __init__(
        self,
        options: CheckpointOptions,
        identity: str,
        tell: Callable[[str], Any] = note,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._folder = options.directory / identity
        self._tell = tell
        self._clock = clock
        self._last = clock()

    def restore(self, template_at: Callable[[int], T]) -> tuple[int, T] | None:
        """Reads the newest usable checkpoint: its finished rounds, and what was saved.

        One that is damaged or was not written to its end is told of and removed, and
        the one before it is used; None without any. ``template_at`` makes, for a number
        of finished rounds, a pytree like the one that was saved after them, see
        ``read_arrays``.

        Raises:
            InvalidInputError: if what was saved is no such pytree, or processes see
                different checkpoints.
        """
        finished = self._newest_whole()
        if jax.process_count() > 1:
            found = np.int32(-1 if finished is None else finished)
            of_all = multihost_utils.process_allgather(found).tolist()
            if set(of_all) != {int(found)}:
                raise InvalidInputError(
                    f"{self._folder}: processes see checkpoints of different rounds, "
                    f"{of_all}; they must share one folder"
                )
        if is_leader():
            self._remove_newer(finished)
        if finished is None:
            return None
        place = self._place(finished)
        path = place / _process_files()[jax.process_index()]
        with user_errors("read", path):
            tree = read_arrays(path, template_at(finished))
        self._tell(f"jaxfr: {finished} rounds are finished already, by {place}")
        return finished, tree

    def due(self) -> bool:
        """Whether it is time for the next checkpoint, by the clock of process 0."""
        return agree(lambda: self._clock() - self._last >= self._options.seconds)

    def save(self, finished: int, tree: object) -> None:
        """Writes a checkpoint of a tree of arrays, and removes those that are too old.

        If it cannot be written, that is told of, nothing of it is left, and the work
        may go on: the checkpoint before it stays.
        """
        try:
            self._write(finished, tree)
        except InvalidInputError as error:
            self._tell(f"jaxfr: a checkpoint is missing: {error}")
        else:
            if is_leader():
                self._prune()
        # From its end, so that saving cannot take all the time however long it takes.
        self._last = self._clock()

    def remove(self) -> None:
        """Removes all checkpoints, once what the work came to is safe elsewhere."""
        if jax.process_count() > 1:
            # Another process may still be writing its last one.
            multihost_utils.sync_global_devices("remove checkpoints")
        if is_leader():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, finished: int) -> pathlib.Path:
        return self._folder / f"round_{finished:06d}"

    def _rounds(self) -> list[int]:
        """The rounds of which there is a folder, ascending."""
        matches = [_ROUND.fullmatch(path.name) for path in self._folder.glob("round_*")]
        return sorted(int(match[1]) for match in matches if match)

    def _write(self, finished: int, tree: object) -> None:
        """Writes this process's file; it is on the disk when this returns."""
        place, process = self._place(finished), jax.process_index()
        with user_errors("write", place):
            place.mkdir(parents=True, exist_ok=True)
        path = place / _process_files()[process]
        with replacing(path, durable=True) as unfinished:
            write_arrays(unfinished, tree, _label(place, process))
        with user_errors("write", place):
            for changed in (self._folder, self._folder.parent):
                sync_folder(changed)

    def _newest_whole(self) -> int | None:
        """The newest of which every process's file is there, whole and its own."""
        for finished in reversed(self._rounds()):
            place = self._place(finished)
            lack = _lack(place)
            if lack is None:
                return finished
            self._tell(f"jaxfr: {place} counts for nothing: {lack}")
        return None

    def _remove_newer(self, finished: int | None) -> None:
        """Removes what cannot be used, and what writers left that died.

        A damaged checkpoint must not be counted among those that are kept.
        """
        for number in self._rounds():
            place = self._place(number)
            if finished is None or number > finished:
                shutil.rmtree(place, ignore_errors=True)
            for unfinished in place.glob(f"{UNFINISHED_PREFIX}*"):
                shutil.rmtree(unfinished, ignore_errors=True)

    def _prune(self) -> None:
        """Removes what is older than the newest complete checkpoints.

        One that other processes are still writing is not complete, and stays.
        """
        rounds, names = self._rounds(), _process_files()
        complete = [
            number
            for number in rounds
            if all((self._place(number) / name).exists() for name in names)
        ]
        for number in rounds:
            if sum(newer > number for newer in complete) >= self._options.keep:
                shutil.rmtree(self._place(number), ignore_errors=True)


def _process_files() -> list[str]:
    """The names of the files of a whole checkpoint, by process."""
    count = jax.process_count()
    return [f"process_{index}_of_{count}.npz" for index in range(count)]


def _label(place: pathlib.Path, process: int) -> Label:
    """What a process's file of a checkpoint says of itself."""
    return {
        "work": place.parent.name,
        "checkpoint": place.name,
        "process": process,
        "processes": jax.process_count(),
    }


def _lack(place: pathlib.Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    for process, name in enumerate(_process_files()):
        try:
            label = read_label(place / name)
            if label is None:
                return f"{name} is damaged"
            if label != _label(place, process):
                return f"{name} was written for other work, another round or process"
        except InvalidInputError as error:
            return str(error)
        except FileNotFoundError:
            return f"{name} was not written to its end"
        except OSError as error:
            return f"{name} cannot be read, {error.strerror or error}"
    return None
