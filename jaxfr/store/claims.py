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
from collections.abc import Iterable, Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from jaxfr.files import note
from jaxfr.stopping import uninterrupted

_LOCK_FILE = "lock"
_SUFFIX = ".claim"
_NO_LOCKS = (
    *(errno.ENOLCK, errno.ENOSYS, errno.EINVAL),
    *(errno.EOPNOTSUPP, errno.ENOTSUP),  # one on Linux, two on macOS
)


class Claims:
    """The claims of one process, and its view of the others'."""

    def __init__(self, folder: pathlib.Path, writer: str) -> None:
        """Claims nothing yet.

        Args:
            folder: the folder of claims, which exists.
            writer: the name of this process, unlike all others.
        """
        self._folder = folder
        self._path = folder / (writer + _SUFFIX)
        self._mine: int | None = None
        self._have_locks = True

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps all other processes out of their own ``alone`` for a moment.

        A signal that asks for an end can interrupt the wait for them, and nothing else.
        """
        descriptor = os.open(self._folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._lock(descriptor, wait=True)
            with uninterrupted():
                yield
        finally:
            os.close(descriptor)

    def of_others(self) -> frozenset[str]:
        """The runs in other hands; to be asked ``alone``. Void claims are removed."""
        runs: set[str] = set()
        if not self._have_locks:
            return frozenset()
        # (glob would pass over a folder that cannot be listed.)
        for path in self._folder.iterdir():
            if path == self._path or path.suffix != _SUFFIX:
                continue
            descriptor = os.open(path, os.O_RDWR)
            try:
                if self._lock(descriptor, wait=False):
                    path.unlink()
                else:
                    runs.update(json.loads(_content(descriptor) or "[]"))
            finally:
                os.close(descriptor)
        return frozenset(runs)

    def hold(self, runs: Iterable[str]) -> None:
        """Claims these runs, and no others any more; to be called ``alone``."""
        claimed = list(runs)
        if not self._have_locks or not (claimed or self._mine is not None):
            return
        if self._mine is None:
            self._mine = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            self._lock(self._mine, wait=False)
        os.ftruncate(self._mine, 0)
        if claimed:
            content = json.dumps(claimed).encode()
            if os.pwrite(self._mine, content, 0) < len(content):
                os.ftruncate(self._mine, 0)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Gives everything up."""
        if self._mine is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._mine)
            self._mine = None

    def _lock(self, descriptor: int, wait: bool) -> bool:
        """Whether the file is this process's own now."""
        if not self._have_locks:
            return False
        try:
            if fcntl is None:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
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


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
