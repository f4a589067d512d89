"""The folder of one piece of work: its checkpoints by round, written, found, pruned.

The folder is named after the work. Each file also says itself which work, round and
process it is of, so that one that was copied to another place is not used there.
"""

import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

import jax

from jaxfr.checkpoints.arrays import (
    Label,
    is_whole,
    read_arrays,
    read_label,
    write_arrays,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import UNFINISHED_PREFIX, replacing, sync_folder, user_errors

T = TypeVar("T")

_ROUND = re.compile(r"round_(\d{6,})")


def round_folder(folder: pathlib.Path, finished: int) -> pathlib.Path:
    """Where the checkpoint after so many rounds is."""
    return folder / f"round_{finished:06d}"


def process_files() -> list[str]:
    """The names of the files of a whole checkpoint, by process."""
    count = jax.process_count()
    return [f"process_{index}_of_{count}.npz" for index in range(count)]


def write_checkpoint(folder: pathlib.Path, finished: int, tree: object) -> None:
    """Writes this process's file of a checkpoint; on the disk when it returns.

    Args:
        folder: of the work; it is made.
        finished: how many rounds are finished.
        tree: see ``write_arrays``.

    Raises:
        InvalidInputError: if it cannot be written; nothing of it is left then.
    """
    place = round_folder(folder, finished)
    with user_errors("write", place):
        place.mkdir(parents=True, exist_ok=True)
    path = place / process_files()[jax.process_index()]
    with replacing(path, durable=True) as unfinished:
        write_arrays(unfinished, tree, _label(place, jax.process_index()))
    with user_errors("write", place):
        for changed in (folder, folder.parent):
            sync_folder(changed)


def read_checkpoint(folder: pathlib.Path, finished: int, template: T) -> T:
    """Reads this process's file of a checkpoint that ``newest_whole`` found.

    Raises:
        InvalidInputError: if it holds something else than the template's arrays, see
            ``read_arrays``, or cannot be read.
    """
    path = round_folder(folder, finished) / process_files()[jax.process_index()]
    with user_errors("read", path):
        return read_arrays(path, template)


def newest_whole(folder: pathlib.Path, tell: Callable[[str], Any]) -> int | None:
    """The newest checkpoint of which every process's file is there, whole and its own.

    Args:
        folder: of the work, which need not exist.
        tell: is told of each newer one that is not, and why.

    Returns:
        How many rounds were finished, or None without such a checkpoint.
    """
    for finished in reversed(_rounds(folder)):
        place = round_folder(folder, finished)
        lack = _lack(place)
        if lack is None:
            return finished
        tell(f"jaxfr: {place} counts for nothing: {lack}")
    return None


def remove_newer(folder: pathlib.Path, finished: int | None) -> None:
    """Removes what cannot be used, after ``newest_whole`` found what can.

    A damaged checkpoint must not be counted among those that are kept.

    Args:
        folder: of the work.
        finished: what ``newest_whole`` found; all newer ones go, and what writers left
            that died.
    """
    for number in _rounds(folder):
        place = round_folder(folder, number)
        if finished is None or number > finished:
            shutil.rmtree(place, ignore_errors=True)
        for unfinished in place.glob(f"{UNFINISHED_PREFIX}*"):
            shutil.rmtree(unfinished, ignore_errors=True)


def prune(folder: pathlib.Path, keep: int) -> None:
    """Removes what is older than the newest complete checkpoints.

    One that other processes are still writing is not complete, and stays.

    Args:
        folder: of the work.
        keep: how many complete ones stay, at least 1.
    """
    rounds = _rounds(folder)
    complete = [
        number for number in rounds if _is_complete(round_folder(folder, number))
    ]
    for number in rounds:
        if sum(newer > number for newer in complete) >= keep:
            shutil.rmtree(round_folder(folder, number), ignore_errors=True)


def _rounds(folder: pathlib.Path) -> list[int]:
    """The rounds of which there is a folder, ascending."""
    matches = [_ROUND.fullmatch(path.name) for path in folder.glob("round_*")]
    return sorted(int(match[1]) for match in matches if match)


def _label(place: pathlib.Path, process: int) -> Label:
    """What a process's file of a checkpoint says of itself."""
    return {
        "work": place.parent.name,
        "checkpoint": place.name,
        "process": process,
        "processes": jax.process_count(),
    }


def _is_complete(place: pathlib.Path) -> bool:
    return all((place / name).exists() for name in process_files())


def _lack(place: pathlib.Path) -> str | None:
    """What is wrong with a checkpoint, or None."""
    for process, name in enumerate(process_files()):
        try:
            if not is_whole(place / name):
                return f"{name} is damaged"
            if read_label(place / name) != _label(place, process):
                return f"{name} was written for other work, another round or process"
        except InvalidInputError as error:
            return str(error)
        except FileNotFoundError:
            return f"{name} was not written to its end"
        except OSError as error:
            return f"{name} cannot be read, {error.strerror or error}"
    return None
