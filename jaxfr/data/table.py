"""A table of interactions in text: one row is a user, an item and perhaps a time."""

import contextlib
import csv
import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

import numpy as np

from jaxfr.data.columns import Columns, columns_by_number, find_columns
from jaxfr.errors import InvalidInputError

# Few enough for the processor's cache, and for the garbage collector to stay calm.
_ROWS_AT_ONCE = 1 << 10


class Interactions(NamedTuple):
    """Rows in file order, as ``leave_one_out`` takes them.

    Attributes:
        users: a number for each distinct user, integer ``[rows]``.
        items: a number for each distinct item, integer ``[rows]``.
        timestamps: int64 or float64 ``[rows]``, in the unit of the file; None if the
            order of the rows is the order of time.
    """

    users: np.ndarray
    items: np.ndarray
    timestamps: np.ndarray | None


class _Layout(NamedTuple):
    """How the rows of a table are made up."""

    columns: Columns
    width: int
    header_rows: int


class _RowError(Exception):
    """A row cannot be used; the message says why."""


class _Numbering(dict[str, int]):
    """Numbers what it is asked for, from 0, in order of first appearance."""

    def __missing__(self, value: str) -> int:
        number = len(self)
        self[value] = number
        return number


def read_table(stream: TextIO, separator: str, source: str) -> Interactions:
    """Reads rows of ``user, item[, timestamp]``.

    A header is optional. With one, columns are found by name (``user_id``, ``item``,
    ``timestamp`` and the like) and others are ignored. Without names, columns are
    user, item; user, item, timestamp; or user, item, rating, timestamp, by their
    number. Ids are any text; spaces around them do not count, nor do empty lines. In
    a table of whole numbers only, which is read five times faster, ``07`` is ``7``.

    Args:
        stream: the text, seekable, such as a file opened with ``newline=""``.
        separator: one character. Quotes have a meaning only beside commas.
        source: what a message calls the text, such as its path.

    Raises:
        InvalidInputError: if a row is not like the first, an id is empty, or a
            timestamp is not a number.
    """
    try:
        first_rows = list(itertools.islice(_rows(stream, separator), 2))
        if not first_rows or not first_rows[0]:
            raise InvalidInputError(f"{source}: no rows, or an empty first line")
        named = find_columns(first_rows[0], source)
        layout = _Layout(
            columns=named or columns_by_number(len(first_rows[0]), source),
            width=len(first_rows[0]),
            header_rows=int(named is not None or _looks_like_header(first_rows)),
        )
        whole_numbers = None
        if all(map(_is_whole_number, first_rows[-1])):
            stream.seek(0)
            whole_numbers = _parse_whole_numbers(stream, separator, layout)
        if whole_numbers is not None:
            return whole_numbers
        stream.seek(0)
        return _parse(_rows(stream, separator), layout, source)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{source}: not a table in UTF-8 ({error})") from None


def _rows(stream: TextIO, separator: str) -> Iterator[list[str]]:
    quoting = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    return csv.reader(
        stream, delimiter=separator, quoting=quoting, skipinitialspace=separator == ","
    )


def _parse_whole_numbers(
    stream: TextIO, separator: str, layout: _Layout
) -> Interactions | None:
    """Reads a table that holds nothing else; None if it holds something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(
                stream,
                np.int64,
                comments=None,
                delimiter=separator,
                skiprows=layout.header_rows,
                ndmin=2,
            )
    except (ValueError, Warning):
        return None
    if table.shape[1] != layout.width:
        return None
    return Interactions(
        *(
            None if column is None else np.ascontiguousarray(table[:, column])
            for column in layout.columns
        )  # type: ignore[arg-type]
    )


def _parse(rows: Iterator[list[str]], layout: _Layout, source: str) -> Interactions:
    numberings = (_Numbering(), _Numbering())
    parts: list[Interactions] = []
    line_number = 1 + len(list(itertools.islice(rows, layout.header_rows)))
    while chunk := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        try:
            parts.append(_convert(chunk, layout, numberings))
        except _RowError:
            number, reason = _first_bad_row(chunk, layout)
            raise InvalidInputError(
                f"{source}, line {line_number + number}: {reason}; expected "
                "user, item[, timestamp] like the first row"
            ) from None
        line_number += len(chunk)
    users, items, times = zip(*parts, strict=True) if parts else ((), (), ())
    if not sum(map(len, users)):
        raise InvalidInputError(f"{source}: no rows below the header")
    timestamps = None if layout.columns.timestamp is None else np.concatenate(times)
    return Interactions(np.concatenate(users), np.concatenate(items), timestamps)


def _looks_like_header(first_rows: list[list[str]]) -> bool:
    """Whether the first row has text only, and the second ends in a number."""
    if len(first_rows) < 2 or len(first_rows[0]) != len(first_rows[1]):
        return False
    top, below = ([_is_number(cell) for cell in row] for row in first_rows)
    return below[-1] and not any(top)


def _convert(
    rows: list[list[str]],
    layout: _Layout,
    numberings: tuple[_Numbering, _Numbering],
) -> Interactions:
    """Turns rows into numbers; new users and items enter the numberings."""
    columns = layout.columns
    filled = list(filter(None, rows))
    if set(map(len, filled)) - {layout.width}:
        raise _RowError("another number of columns than in the first row")
    cells = list(zip(*filled, strict=True)) or [()] * layout.width
    users, items = (
        np.fromiter(
            map(numbering.__getitem__, map(str.strip, cells[column])),
            np.int32,
            len(filled),
        )
        for numbering, column in zip(numberings, columns[:2], strict=True)
    )
    if "" in numberings[0] or "" in numberings[1]:
        raise _RowError("an empty id")
    if columns.timestamp is None:
        return Interactions(users, items, None)
    return Interactions(users, items, _timestamps(cells[columns.timestamp]))


def _first_bad_row(rows: list[list[str]], layout: _Layout) -> tuple[int, str]:
    """Returns the place of the first row that cannot be used, from 0, and why."""
    for number, row in enumerate(rows):
        try:
            _convert([row], layout, (_Numbering(), _Numbering()))
        except _RowError as error:
            return number, str(error)
    raise AssertionError("every row can be used")


def _timestamps(values: Sequence[str]) -> np.ndarray:
    with contextlib.suppress(ValueError, OverflowError):
        return np.fromiter(map(int, values), np.int64, len(values))
    try:
        times = np.fromiter(map(float, values), np.float64, len(values))
    except ValueError:
        raise _RowError("a timestamp that is not a number") from None
    if not np.all(np.isfinite(times)):
        raise _RowError("a timestamp that is not finite")
    return times


def _is_whole_number(text: str) -> bool:
    return text.strip().isdecimal()


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
