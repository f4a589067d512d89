"""What is made once and kept in a file, where it can be; at worst it is made again."""

import contextlib
import functools
import hashlib
import pathlib
import sys
from collections.abc import Callable
from importlib import metadata

from jaxfr.errors import InvalidInputError
from jaxfr.files import write_atomically

_BENEATH = ("jax", "jaxlib", "numpy", "optax")
_DIGEST_BYTES = 32


def kept(path: pathlib.Path, key: str, make: Callable[[], bytes]) -> bytes:
    """What a file holds, if that was made for this key and is unharmed.

    Otherwise it is made, and written in whole, so that processes that do so at once do
    not disturb each other. A file that cannot be read or written is no error.

    Args:
        path: the file.
        key: names all that decides what is made.
        make: makes it.
    """
    content = read_kept(path, key)
    if content is None:
        content = make()
        keep(path, key, content)
    return content


def keep(path: pathlib.Path, key: str, content: bytes) -> None:
    """Writes what was made for a key, if that is possible."""
    with contextlib.suppress(InvalidInputError):
        write_atomically(path, _digest(key, content) + content)


def read_kept(path: pathlib.Path, key: str) -> bytes | None:
    """What the file holds; None where there is no such file of this key, unharmed."""
    with contextlib.suppress(OSError):
        whole = path.read_bytes()
        if _digest(key, whole[_DIGEST_BYTES:]) == whole[:_DIGEST_BYTES]:
            return whole[_DIGEST_BYTES:]
    return None


def _digest(key: str, content: bytes) -> bytes:
    of_key = hashlib.sha256(key.encode()).digest()
    return hashlib.sha256(of_key + content).digest()


@functools.cache
def package_hash() -> str:
    """``source_hash`` of this package, of its files as they were at the first call.

    A process goes on with the code that it has loaded, whatever becomes of the files.
    """
    return source_hash(pathlib.Path(__file__).parent)


def source_hash(folder: pathlib.Path) -> str:
    """A hash of all Python files of a folder, and of the versions beneath them."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    digest = hashlib.sha256(" ".join([sys.version, *versions_beneath()]).encode())
    for name, path in sorted(files.items()):
        digest.update(f"{name} {_digest('', path.read_bytes()).hex()}".encode())
    return digest.hexdigest()


def versions_beneath() -> list[str]:
    """The versions of the libraries that a run's numbers come from."""
    return [f"{name}=={metadata.version(name)}" for name in _BENEATH]
