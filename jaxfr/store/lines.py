"""A record as a line of JSON that carries its own checksum."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from jaxfr.evaluation.metrics import null_where_nobody

_BEFORE_RUN = b'{"run": "'
_BEFORE_CHECKSUM = b', "checksum": "'
_AFTER_CHECKSUM = b'"}'
_CHECKSUM_DIGITS = 8
_TAIL = len(_BEFORE_CHECKSUM) + _CHECKSUM_DIGITS + len(_AFTER_CHECKSUM)


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Writes a record as one line: ``run`` first, and last the checksum of the rest.

    Args:
        record: values that JSON can hold; its ``run`` is the run's identity, and
            ``checksum`` is no name in it.

    Raises:
        ValueError: if a number is not finite.
    """
    ordered = {"run": record["run"]} | dict(record)
    body = json.dumps(ordered, allow_nan=False).encode()[:-1]
    checksum = f"{zlib.crc32(body):0{_CHECKSUM_DIGITS}x}".encode()
    return body + _BEFORE_CHECKSUM + checksum + _AFTER_CHECKSUM + b"\n"


def run_of_line(line: bytes) -> str | None:
    """The identity in a line, found without reading all of it.

    Returns:
        The run, or None if the line is damaged or is none of ``encode_line``.
    """
    line = line.rstrip(b"\r\n")
    body, tail = line[:-_TAIL], line[-_TAIL:]
    checksum = f"{zlib.crc32(body):0{_CHECKSUM_DIGITS}x}".encode()
    if tail != _BEFORE_CHECKSUM + checksum + _AFTER_CHECKSUM:
        return None
    if not body.startswith(_BEFORE_RUN):
        return None
    return body[len(_BEFORE_RUN) :].partition(b'"')[0].decode()


def decode_line(line: bytes) -> dict[str, Any]:
    """Reads a line that ``run_of_line`` found intact.

    A mean over nobody is null, also where an earlier version of the code wrote 0.
    """
    record = json.loads(line)
    del record["checksum"]
    return null_where_nobody(record)
