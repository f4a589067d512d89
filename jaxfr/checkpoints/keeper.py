"""Keeps the checkpoints of one piece of work: when to save, what to go on from."""

import math
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxfr.checkpoints.folder import (
    newest_whole,
    prune,
    read_checkpoint,
    remove_newer,
    round_folder,
    write_checkpoint,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import note, user_errors
from jaxfr.processes import agree, is_leader

T = TypeVar("T")


class CheckpointSettings(NamedTuple):
    """Where checkpoints are kept, and how many.

    Attributes:
        directory: folder of the checkpoints of all work; several processes may use it.
        seconds: at least so many between two checkpoints of one piece of work; 0 saves
            whenever there is something to save.
        keep: how many of them to keep, at least 1.
    """

    directory: pathlib.Path
    seconds: float = 300.0
    keep: int = 2


def prepare_directory(settings: CheckpointSettings) -> None:
    """Makes the directory, and says at once if nothing can be kept there.

    Raises:
        InvalidInputError: if it cannot be written to, or a number has no meaning.
    """
    if settings.keep < 1:
        raise InvalidInputError(f"keep={settings.keep} checkpoints: must be at least 1")
    if math.isnan(settings.seconds) or settings.seconds < 0:
        raise InvalidInputError(
            f"seconds={settings.seconds} between checkpoints: must be at least 0"
        )
    with user_errors("keep checkpoints in", settings.directory):
        settings.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.directory):
            pass


class CheckpointKeeper:
    """The checkpoints of one piece of work.

    Where several processes do the work together, each has a keeper, and calls its
    methods when the others do.
    """

    def __init__(
        self,
        settings: CheckpointSettings,
        identity: str,
        tell: Callable[[str], Any] = note,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads and writes nothing yet; the time to the first checkpoint begins.

        Args:
            settings: where and how many.
            identity: names the work and all that decides its outcome, as a name of a
                folder; checkpoints of other identities are never looked at.
            tell: is told, in a line, what becomes of checkpoints.
            clock: seconds from any moment.
        """
        self._settings = settings
        self._folder = settings.directory / identity
        self._tell = tell
        self._clock = clock
        self._last = clock()

    def restore(self, template_at: Callable[[int], T]) -> tuple[int, T] | None:
        """Reads the newest usable checkpoint.

        One that is damaged or was not written to its end is told of and removed, and
        the one before it is used.

        Args:
            template_at: makes, for a number of finished rounds, a pytree like the one
                that was saved after them, see ``read_arrays``.

        Returns:
            How many rounds were finished, and what was saved; None without a usable
            checkpoint.

        Raises:
            InvalidInputError: if what was saved is no such pytree, or processes see
                different checkpoints.
        """
        finished = newest_whole(self._folder, self._tell)
        _check_agreement(-1 if finished is None else finished, self._folder)
        if is_leader():
            remove_newer(self._folder, finished)
        if finished is None:
            return None
        tree = read_checkpoint(self._folder, finished, template_at(finished))
        place = round_folder(self._folder, finished)
        self._tell(f"jaxfr: {finished} rounds are finished already, by {place}")
        return finished, tree

    def due(self) -> bool:
        """Whether it is time for the next checkpoint, by the clock of process 0."""
        return agree(lambda: self._clock() - self._last >= self._settings.seconds)

    def save(self, finished: int, tree: object) -> None:
        """Writes a checkpoint, and then removes those that are too old.

        If it cannot be written, that is told of, and the work may go on: the
        checkpoint before it stays.

        Args:
            finished: how many rounds are finished.
            tree: see ``write_arrays``.
        """
        try:
            write_checkpoint(self._folder, finished, tree)
        except InvalidInputError as error:
            self._tell(f"jaxfr: a checkpoint is missing: {error}")
        else:
            if is_leader():
                prune(self._folder, self._settings.keep)
        # From its end, so that saving cannot take all the time however long it takes.
        self._last = self._clock()

    def remove(self) -> None:
        """Removes all checkpoints, once what the work came to is safe elsewhere."""
        if jax.process_count() > 1:
            # Another process may still be writing its last one.
            multihost_utils.sync_global_devices("remove checkpoints")
        if is_leader():
            shutil.rmtree(self._folder, ignore_errors=True)


def _check_agreement(found: int, folder: pathlib.Path) -> None:
    """Makes sure that all processes go on from the same round."""
    if jax.process_count() == 1:
        return
    of_all = multihost_utils.process_allgather(np.int32(found)).tolist()
    if set(of_all) != {found}:
        raise InvalidInputError(
            f"{folder}: processes see checkpoints of different rounds, {of_all}; they "
            "must share one folder"
        )
