"""Which files code writes that it has no business with."""

import contextlib
import contextvars
import functools
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax

# Events of sys.addaudithook, with the place of what is made or changed.
_CHANGES = {
    "os.mkdir": 0,
    "os.rename": 1,
    "os.symlink": 1,
    "os.link": 1,
    "os.remove": 0,
}
# What has no content, and what Python and hypothesis keep for themselves.
_HARMLESS = ("/dev", "/proc")
_OF_TOOLS = {"__pycache__", ".hypothesis"}

_watch: contextvars.ContextVar[tuple[pathlib.Path, list[str]] | None] = (
    contextvars.ContextVar("watch", default=None)
)


@contextlib.contextmanager
def watched(folder: pathlib.Path) -> Iterator[list[str]]:
    """Lists what is written outside of a folder, which temporary files are within.

    The folder of compiled programs, which the environment names, does not count.
    """
    _listen()
    outside: list[str] = []
    token = _watch.set((folder.resolve(), outside))
    try:
        with mock.patch.object(tempfile, "tempdir", str(folder)):
            yield outside
    finally:
        _watch.reset(token)


@functools.cache
def _listen() -> None:
    """Asks Python to tell; what was asked for once cannot be taken back."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _watch.get()
    if watch is None or (event != "open" and event not in _CHANGES):
        return
    path = arguments[_CHANGES.get(event, 0)]
    if event == "open" and not _writes(*arguments[1:]):
        return
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor
    folder, outside = watch
    place = pathlib.Path(os.path.realpath(os.fsdecode(path)))
    if event == "os.mkdir" and place.is_dir():
        return  # as where a folder need only be there
    compiled = jax.config.values["jax_compilation_cache_dir"] or folder
    within = (folder, compiled, *_HARMLESS)
    if _OF_TOOLS.isdisjoint(place.parts) and not any(map(place.is_relative_to, within)):
        outside.append(str(place))


def _writes(mode: str | None, flags: int) -> bool:
    if mode is not None:
        return not set(mode).isdisjoint("wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
