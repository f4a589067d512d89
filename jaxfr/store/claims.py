"""Which runs are in whose hands, among processes that write to one store.

A claim is a file that its owner keeps locked. The system takes a lock away the moment
its owner ends, however it ends, so a claim of a killed process is void at once and no
clock is asked. (``flock`` reaches over the network on NFS 3 and 4 and, where mounted
with ``flock``, on Lustre; on a file system without it processes do not see each other's
claims: they may then do a run twice, and still lose none.)
"""

import contextlib
import errno
import json
import os
import pathlib
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from jaxfr.stopping import uninterrupted
from jaxfr.terminal import note

_LOCK_FILE = "lock"
_SUFFIX = ".claim"
# A lock is held for moments, unless its holder was stopped.
_SECONDS_BEFORE_WORD = 5.0
_LONGEST_PAUSE = 0.05
_SECONDS_TO_LOOK = 0.2
_NO_LOCKS = (
    *(errno.ENOLCK, errno.ENOSYS, errno.EINVAL),
    *(errno.EOPNOTSUPP, errno.ENOTSUP),  # one on Linux, two on macOS
)


class Claims:
    """The claims of one process, and its view of the others'; at first none.

    The folder of claims exists, and no other process writes by this one's name.
    """

    def __init__(self, folder: pathlib.Path, writer: str) -> None:
        self._folder = folder
        self._writer = writer
        self._path = folder / (writer + _SUFFIX)
        self._mine: int | None = None
        self._have_locks = True

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps all other processes out of their own ``alone`` for a moment.

        Waits for the one that is in it; if that takes long, the user is told for whom.
        A signal that asks for an end can interrupt the wait, and nothing else.
        """
        descriptor = _open(self._folder / _LOCK_FILE, os.O_CREAT)
        try:
            self._wait_for(descriptor)
            with uninterrupted():
                with contextlib.suppress(OSError):  # on a full disk
                    _replace(descriptor, self._writer.encode())
                yield
        finally:
            os.close(descriptor)

    def tell(self, progress: Mapping[str, Any]) -> None:
        """Says how far the work on what is claimed is; worth no error."""
        with contextlib.suppress(OSError):
            _progress_of(self._path).write_text(json.dumps(progress))

    def of_others(self) -> frozenset[str]:
        """The runs in other hands; to be asked ``alone``. Void claims are removed."""
        runs: set[str] = set()
        if not self._have_locks:
            return frozenset()
        # (glob would pass over a folder that cannot be listed.)
        for path in self._folder.iterdir():
            if path == self._path or path.suffix != _SUFFIX or not path.is_file():
                continue
            descriptor = _open(path)
            try:
                if self._lock(descriptor):
                    path.unlink()
                    _progress_of(path).unlink(missing_ok=True)
                else:
                    runs.update(_claimed(_content(descriptor)))
            finally:
                os.close(descriptor)
        return frozenset(runs)

    def hold(self, runs: Iterable[str]) -> None:
        """Claims these runs, and no others any more; to be called ``alone``."""
        claimed = list(runs)
        if not self._have_locks or not (claimed or self._mine is not None):
            return
        if self._mine is None:
            self._mine = _open(self._path, os.O_CREAT)
            self._lock(self._mine)
        _replace(self._mine, json.dumps(claimed).encode() if claimed else b"")

    def close(self) -> None:
        """Gives everything up."""
        if self._mine is not None:
            self._path.unlink(missing_ok=True)
            _progress_of(self._path).unlink(missing_ok=True)
            os.close(self._mine)
            self._mine = None

    def _wait_for(self, descriptor: int) -> None:
        """Waits until the lock is this process's own, or there are no locks."""
        begun, pause, told = time.monotonic(), 0.001, False
        while not self._lock(descriptor) and self._have_locks:
            if not told and time.monotonic() - begun >= _SECONDS_BEFORE_WORD:
                holder = _content(descriptor).decode(errors="replace")
                note(
                    f"jaxfr: waiting for {holder or 'another process'}, which holds "
                    f"{self._folder / _LOCK_FILE}; was it stopped?"
                )
                told = True
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _lock(self, descriptor: int) -> bool:
        """Whether the file is this process's own now."""
        if not self._have_locks:
            return False
        try:
            if fcntl is None:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._have_locks = False
            note(
                f"jaxfr: files in {self._folder} cannot be locked; processes that "
                "write there at the same time may do a run twice"
            )
            return False
        return True


class Claim(NamedTuple):
    """What a process that lives has claimed, and what it last said of its progress."""

    writer: str
    runs: tuple[str, ...]
    progress: Mapping[str, Any]


def look_at_claims(folder: pathlib.Path) -> list[Claim]:
    """All claims of processes that live; changes nothing, and waits for nobody long."""
    claims = []
    paths = [path for path in sorted(folder.glob(f"*{_SUFFIX}")) if path.is_file()]
    with contextlib.ExitStack() as stack:
        # A process locks its own claim while nobody else tries whether that is locked.
        alone = stack.enter_context(_sharing(folder / _LOCK_FILE, _SECONDS_TO_LOOK))
        for path in paths:
            with contextlib.suppress(OSError), _sharing(path) as void:
                runs = _claimed(path.read_bytes())
                if runs and not (void and alone):
                    claims.append(Claim(path.stem, tuple(sorted(runs)), _told(path)))
    return claims


@contextlib.contextmanager
def _sharing(path: pathlib.Path, seconds: float = 0.0) -> Iterator[bool]:
    """Whether a file that is only read was not locked by others within so long."""
    if fcntl is None or not path.is_file():
        yield fcntl is not None
        return
    until = time.monotonic() + seconds
    with path.open("rb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                yield True
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    break
            except OSError:  # there are no locks here
                break
            time.sleep(_LONGEST_PAUSE / 10)
        yield False


def _progress_of(claim: pathlib.Path) -> pathlib.Path:
    return claim.with_suffix(".progress")


def _told(claim: pathlib.Path) -> Mapping[str, Any]:
    """What a process said of its progress; nothing while it is being written."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        told = json.loads(_progress_of(claim).read_bytes())
        if isinstance(told, dict):
            return told
    return {}


def _open(path: pathlib.Path, flags: int = 0) -> int:
    """Opens a regular file to read and write; a pipe is none."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{path.name} is no regular file")
    return descriptor


def _replace(descriptor: int, content: bytes) -> None:
    """Puts all of the content into a file, or leaves it empty."""
    os.ftruncate(descriptor, 0)
    if os.pwrite(descriptor, content, 0) < len(content):
        os.ftruncate(descriptor, 0)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _claimed(content: bytes) -> frozenset[str]:
    """The runs that a claim names; none if it is damaged, or being written now."""
    try:
        runs = json.loads(content)
    except (ValueError, RecursionError):
        return frozenset()
    named = runs if isinstance(runs, list) else []
    return frozenset(run for run in named if isinstance(run, str))


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
