"""What a store's folder looks like, and what is none."""

import json
import os
import pathlib
import platform
import re
import secrets
import time

from jaxfr.errors import InvalidInputError
from jaxfr.files import UNFINISHED_PREFIX, open_regular, user_errors, write_atomically

FORMAT = 1
RECORDS, CLAIMS = "records", "claims"
PLANS, FAILURES = "plans", "failures"
_MARKER = "store.json"
_WRITER = re.compile(r"[0-9T]+-(.+)-([0-9]+)-[0-9a-f]+")


def make_folder(path: pathlib.Path) -> None:
    """Makes a store where there is none; several processes may do so at once."""
    with user_errors("make the result store", path):
        path.mkdir(parents=True, exist_ok=True)
        check_kind(path)
        (path / RECORDS).mkdir(exist_ok=True)
        (path / CLAIMS).mkdir(exist_ok=True)
    marker = path / _MARKER
    if not marker.exists():
        content = json.dumps({"jaxfr_result_store": FORMAT}) + "\n"
        write_atomically(marker, content.encode())


def check_kind(path: pathlib.Path) -> None:
    """Refuses a folder that is something else, or a store of another format."""
    with user_errors("read", path):
        names = {entry.name for entry in path.iterdir()}
    # What a process leaves that was killed while it made the store.
    begun = all(
        name in (RECORDS, CLAIMS) or name.startswith(UNFINISHED_PREFIX)
        for name in names
    )
    if _MARKER not in names:
        if begun:
            return
        within = sorted(marker.parent for marker in path.glob(f"*/{_MARKER}"))
        meant = " or ".join(map(str, within[:2]))
        told = f"did you mean {meant}?" if meant else "choose another folder"
        raise InvalidInputError(f"{path} is not a result store, and not empty; {told}")
    with user_errors("read", path / _MARKER), open_regular(path / _MARKER) as file:
        content = file.read()
    try:
        found = json.loads(content)["jaxfr_result_store"]
    except (ValueError, TypeError, KeyError, RecursionError):
        found = None
    if not isinstance(found, int):
        raise InvalidInputError(
            f"{path / _MARKER} is damaged; delete it and start again: the records stay"
        )
    if found != FORMAT:
        raise InvalidInputError(
            f"{path} is a result store of format {found}; this jaxfr reads {FORMAT}"
        )


def writer_name() -> str:
    """A name that no other process has, and that sorts by time."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return f"{moment}-{host_name()}-{os.getpid()}-{secrets.token_hex(4)}"


def host_name() -> str:
    """This machine's name, without its domain."""
    return platform.node().partition(".")[0] or "host"


def host_and_process(writer: str) -> tuple[str, int]:
    """Which host and process has a ``writer_name``; of another name itself and 0."""
    named = _WRITER.fullmatch(writer)
    return (named[1], int(named[2])) if named else (writer, 0)
