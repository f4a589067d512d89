"""A record as a line of JSON that carries its own checksum.

A checksum says that a line is as it was written, not that a record was written into it:
what is read is also held to what every reader can hold.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

_BEFORE_RUN = b'{"run": "'
_BEFORE_CHECKSUM = b', "checksum": "'
_AFTER_CHECKSUM = b'"}'
_CHECKSUM_DIGITS = 8
# Every reader holds numbers that are finite in float32, and whole ones of 64 bits.
_LARGEST = 3.5e38
_LARGEST_WHOLE = 2**63
_DEEPEST = 32
_TAIL = len(_BEFORE_CHECKSUM) + _CHECKSUM_DIGITS + len(_AFTER_CHECKSUM)


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Writes a record as one line: ``run`` first, and last the checksum of the rest.

    What ``check_plain`` refuses is a ``ValueError``.
    """
    ordered = {"run": record["run"]} | dict(record)
    body = json.dumps(ordered, allow_nan=False).encode()[:-1]
    check_plain(record)
    checksum = f"{zlib.crc32(body):0{_CHECKSUM_DIGITS}x}".encode()
    return body + _BEFORE_CHECKSUM + checksum + _AFTER_CHECKSUM + b"\n"


def run_of_line(line: bytes) -> str | None:
    """The identity in a line; None if it is damaged or none of ``encode_line``."""
    line = line.rstrip(b"\r\n")
    body, tail = line[:-_TAIL], line[-_TAIL:]
    checksum = f"{zlib.crc32(body):0{_CHECKSUM_DIGITS}x}".encode()
    if tail != _BEFORE_CHECKSUM + checksum + _AFTER_CHECKSUM:
        return None
    if not body.startswith(_BEFORE_RUN):
        return None
    run = body[len(_BEFORE_RUN) :].partition(b'"')[0]
    return run.decode() if run.isascii() else None


def options_part(run: str) -> str:
    """The part of a run's identity that does not depend on the code."""
    return run.partition("-")[0]


def decode_line(line: bytes) -> dict[str, Any]:
    """Reads a line that ``run_of_line`` found intact, or a ``ValueError`` says why not.

    A mean over nobody is null, also where an earlier version of the code wrote 0.
    """
    record = parse_plain(line)
    # It needs JAX, which whoever only counts lines does without.
    from jaxfr.evaluation.names import null_where_nobody

    if not isinstance(record, dict) or record.get("run") != run_of_line(line):
        raise ValueError("is no record of its run")
    del record["checksum"]
    return null_where_nobody(record)


def parse_plain(text: bytes | str) -> Any:
    """Parses JSON of any origin; a ``ValueError`` says why none can be read or held."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # the latter where it is nested very deeply
        raise ValueError("is no JSON that can be read") from None
    check_plain(value)
    return value


def check_plain(value: Any) -> None:
    """Refuses what not every reader can hold, by a ``ValueError``.

    That is a number that is not finite or too large, and what is nested too deeply.
    """
    inside = [[value]]
    for _ in range(_DEEPEST):
        deeper = []
        for values in inside:
            for one in values:
                kind = type(one)
                if kind is float:
                    if not -_LARGEST < one < _LARGEST:  # NaN is neither
                        raise ValueError(f"holds the number {one}")
                elif kind is int:
                    if not -_LARGEST_WHOLE <= one < _LARGEST_WHOLE:
                        raise ValueError("holds a whole number beyond 64 bits")
                elif kind is dict:
                    deeper.append(one.values())
                elif kind is list:
                    deeper.append(one)
        if not deeper:
            return
        inside = deeper
    raise ValueError("is nested too deeply")
