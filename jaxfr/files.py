"""Files that appear whole or not at all, and what the user is told of them."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from jaxfr.errors import InvalidInputError
from jaxfr.stopping import uninterrupted
from jaxfr.terminal import print_error

# The folder in which a file is written before it is moved to its place.
UNFINISHED_PREFIX = ".new-"


def note(text: str) -> None:
    """Tells the user something, apart from a program's own output."""
    print_error(text)


def user_path(text: str) -> pathlib.Path:
    """The path that a user named, ``~`` and ``~name`` replaced by home folders.

    Raises:
        InvalidInputError: if there is no such home folder, or no path is so written.
    """
    try:
        path = pathlib.Path(text).expanduser()
    except RuntimeError:
        raise InvalidInputError(f"{text}: there is no such home folder") from None
    if "\0" in text:
        raise InvalidInputError(f"{text!r}: no path holds a zero byte")
    return path


@contextlib.contextmanager
def user_errors(action: str, path: pathlib.Path, hint: str = "") -> Iterator[None]:
    """Turns what the system says of a file into an error that a user can read.

    Args:
        action: what could not be done.
        path: to which file or folder.
        hint: what the user may do about it.

    Raises:
        InvalidInputError: for any ``OSError`` in between.
    """
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error}{'; ' * bool(hint)}{hint}"
        raise InvalidInputError(f"cannot {action} {path}: {reason}") from None


@contextlib.contextmanager
def replacing(
    path: pathlib.Path, hint: str = "", durable: bool = False
) -> Iterator[pathlib.Path]:
    """Puts a file in its place at once; another process sees all of it or nothing.

    If anything is raised in between, what stands at the path stays, and nothing else
    is left. Signals that ask the program to end wait until the file is in its place.

    Args:
        path: where the file goes; its folder must exist.
        hint: what the user may do if that fails.
        durable: whether it is to be on the disk, safe from a loss of power, when this
            returns.

    Yields:
        A path of the same name that the file is to be written to, in a new folder
        beside its place.

    Raises:
        InvalidInputError: for any ``OSError`` in between, or if the folder cannot be
            written to.
    """
    with (
        uninterrupted(),
        user_errors("write", path, hint),
        tempfile.TemporaryDirectory(
            dir=path.parent, prefix=UNFINISHED_PREFIX
        ) as folder,
    ):
        unfinished = pathlib.Path(folder, path.name)
        yield unfinished
        if durable:
            _sync(unfinished)
        os.replace(unfinished, path)
        if durable:
            sync_folder(path.parent)


@contextlib.contextmanager
def temporary_folder() -> Iterator[pathlib.Path]:
    """A folder for what nobody needs in the end, where the system keeps such folders.

    It goes however what is in between ends, also at a signal that asks for an end.
    """
    with contextlib.ExitStack() as stack:
        with uninterrupted():
            made = tempfile.TemporaryDirectory(prefix="jaxfr-")
            folder = stack.enter_context(made)
        try:
            yield pathlib.Path(folder)
        finally:
            with uninterrupted():
                stack.close()


def sync_folder(path: pathlib.Path) -> None:
    """Waits until the disk knows which files a folder holds.

    Raises:
        OSError: if the disk refuses.
    """
    if os.name != "nt":  # Windows opens no folders
        _sync(path)


def write_atomically(path: pathlib.Path, content: bytes, hint: str = "") -> None:
    """Writes a file as :func:`replacing` does.

    Args:
        path: where the file goes; its folder is made.
        content: what goes into it.
        hint: what the user may do if that fails.

    Raises:
        InvalidInputError: if the folder cannot be written to.
    """
    with user_errors("write", path, hint):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, hint) as unfinished:
        unfinished.write_bytes(content)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
