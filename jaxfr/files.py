"""Files that appear whole or not at all, and what the user is told of them."""

import contextlib
import errno
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from jaxfr.errors import InvalidInputError
from jaxfr.stopping import uninterrupted

# The folder in which a file is written before it is moved to its place.
UNFINISHED_PREFIX = ".new-"


def user_path(text: str, setting: str = "") -> pathlib.Path:
    """The path that a user wrote, with ``~`` and ``~name`` replaced by a home folder.

    Nothing need stand there. ``setting`` is the flag or field that it is the value of.

    Raises:
        InvalidInputError: if it is empty, its home folder is not known, or no file can
            have such a name.
    """
    written = f"{setting}={text}" if setting else repr(text)
    if not text:
        raise InvalidInputError(f"{written}: must name a file or folder")
    path = pathlib.Path(text)
    try:
        path = path.expanduser()
        path.lstat()
    except RuntimeError:
        raise InvalidInputError(f"{written}: there is no such home folder") from None
    except ValueError:  # a null character
        raise InvalidInputError(f"{text!r}: no file can have this name") from None
    except OSError as error:
        # What is not there may be made, and what cannot be used is told of when it is.
        if error.errno == errno.ENAMETOOLONG:
            raise InvalidInputError(f"{written}: {error.strerror}") from None
    return path


@contextlib.contextmanager
def open_regular(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Opens a file to read its bytes; never waits, as a pipe would for a writer.

    Raises:
        OSError: if it cannot be read, or is no regular file.
    """
    without_waiting = getattr(os, "O_NONBLOCK", 0)  # Windows needs and has none

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | without_waiting)

    with open(path, "rb", opener=opener) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        yield file


@contextlib.contextmanager
def user_errors(action: str, path: pathlib.Path, hint: str = "") -> Iterator[None]:
    """Turns what the system says of a file into an error that a user can read.

    It says what action could not be done to it, and hints at what the user may do.

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
    A ``durable`` file is then on the disk, safe from a loss of power.

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
    """Writes a file as :func:`replacing` does, and makes its folder.

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
