"""A table of interactions in text: one row is a user, an item and perhaps a time."""

import bisect
import csv
import itertools
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

import numpy as np

from jaxfr.data.column_names import has_header
from jaxfr.data.columns import Column, Columns, TableOptions, find_columns
from jaxfr.data.times import join_times, looks_of, read_times
from jaxfr.errors import InvalidInputError
from jaxfr.terminal import excerpt

# Rows from which it is told what the columns are.
SAMPLED_ROWS = 1000
# Few enough for the processor's cache, and for the garbage collector to stay calm.
_ROWS_AT_ONCE = 1 << 10


class Interactions(NamedTuple):
    """Rows in file order, as ``leave_one_out`` takes them."""

    users: np.ndarray  # a number for each distinct user, integer [rows]
    items: np.ndarray  # a number for each distinct item, likewise
    timestamps: np.ndarray | None  # int64 or float64 [rows]; None: in order
    user_ids: Sequence[object] | None = None  # by number; None: the numbers


def first_bad_row(
    convert: Callable[[Sequence[Any]], object], rows: Sequence[Any]
) -> tuple[int, str]:
    """Finds the first row that cannot be used: its place, from 0, and what is wrong.

    ``convert`` uses rows, and raises a ``ValueError`` that says what is wrong with one
    of them, be it by itself or beside those before it; it does so for these rows.
    """
    reasons: dict[int, str] = {}

    def fails(count: int) -> bool:
        try:
            convert(rows[:count])
        except ValueError as error:
            reasons[count] = str(error)
        return count in reasons

    count = bisect.bisect_left(range(len(rows) + 1), True, key=fails)
    return count - 1, reasons[count]


class _Layout(NamedTuple):
    """How the rows of a table are made up."""

    columns: Columns
    width: int
    header_rows: int
    first_time: str


class _Numbering(dict[str, int]):
    """Numbers what it is asked for, from 0, in order of first appearance."""

    def __missing__(self, value: str) -> int:
        number = len(self)
        self[value] = number
        return number


def read_table(
    stream: TextIO, separator: str, source: str, options: TableOptions | None = None
) -> tuple[Interactions, str]:
    """Reads rows from a seekable text; also, in words, which column is what.

    A header is optional. With one, columns are found by name (``user_id``, ``item``,
    ``timestamp`` and many others) and the rest is ignored. Without known names, columns
    are user, item; user, item, timestamp; or user, item, rating, timestamp, by their
    order, if what is to be the timestamp can be nothing else. Ids are any text; spaces
    around them do not count, nor do empty lines, and quotes have a meaning only beside
    commas. In a table of whole numbers only, which is read five times faster, ``07`` is
    ``7``. Times are numbers, or dates as ISO 8601 writes them, to the microsecond.

    Raises:
        InvalidInputError: if it cannot be told which column is what, a row is not like
            the first, an id is empty, or a timestamp is not a number or date.
    """
    options = options or TableOptions()
    try:
        first_rows = list(itertools.islice(_rows(stream, separator), SAMPLED_ROWS))
        if not first_rows or not first_rows[0]:
            raise InvalidInputError(f"{source}: no rows, or an empty first line")
        width = len(first_rows[0])
        sample = [row for row in first_rows if len(row) == width]
        columns, values = _sampled_columns(sample, options, source)
        chosen = find_columns(columns, options, source)
        first = values[0] if values else [""] * width
        first_time = "" if chosen.timestamp is None else first[chosen.timestamp]
        layout = _Layout(chosen, width, len(sample) - len(values), first_time)
        interactions = None
        if all(text.strip().isdecimal() for text in first):
            stream.seek(0)
            interactions = _parse_whole_numbers(stream, separator, layout)
        if interactions is None:
            stream.seek(0)
            interactions = _parse(_rows(stream, separator), layout, source)
        return interactions, chosen.describe(columns)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{source}: not a table in UTF-8 ({error})") from None


def _sampled_columns(
    rows: list[list[str]], options: TableOptions, source: str
) -> tuple[list[Column], list[list[str]]]:
    """Returns the columns, and the rows without the header."""
    if options.header == "auto":
        header = options.names_columns or has_header(rows, source)
    else:
        header = options.header == "yes"
    names = rows[0] if header else [None] * len(rows[0])
    values = rows[header:]
    cells = list(zip(*values, strict=True)) or [()] * len(names)
    return list(map(Column, names, map(looks_of, cells))), values


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
    users, items, times = (
        None if column is None else np.ascontiguousarray(table[:, column])
        for column in layout.columns[:3]
    )
    return Interactions(users, items, times)  # type: ignore[arg-type]


def _parse(rows: Iterator[list[str]], layout: _Layout, source: str) -> Interactions:
    numberings = (_Numbering(), _Numbering())
    parts: list[Interactions] = []
    line_number = 1 + len(list(itertools.islice(rows, layout.header_rows)))
    while chunk := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        try:
            parts.append(_convert(chunk, layout, numberings))
        except ValueError:
            number, reason = first_bad_row(
                lambda rows: _convert(rows, layout, (_Numbering(), _Numbering())), chunk
            )
            raise InvalidInputError(
                f"{source}, line {line_number + number}: {reason}; expected "
                "user, item[, timestamp] like the first row"
            ) from None
        line_number += len(chunk)
    users, items, times, _ = zip(*parts, strict=True) if parts else ((), (), (), ())
    if not sum(map(len, users)):
        raise InvalidInputError(f"{source}: no rows below the header")
    for numbering in numberings:
        _refuse_twins(numbering, source)
    timestamps = None
    if layout.columns.timestamp is not None:
        try:
            timestamps = join_times(times)
        except ValueError as error:
            raise InvalidInputError(f"{source}: {error}") from None
    return Interactions(
        np.concatenate(users), np.concatenate(items), timestamps, list(numberings[0])
    )


def _refuse_twins(ids: Collection[str], source: str) -> None:
    """Refuses ids that a program has written as whole numbers here, and not there."""
    for text in ids:
        if text.endswith(".0") and text[:-2] in ids:
            raise InvalidInputError(
                f"{source}: ids {excerpt(text)} and {excerpt(text[:-2])} stand in "
                "one column; write all of them in one way"
            )


def _convert(
    rows: Sequence[list[str]],
    layout: _Layout,
    numberings: tuple[_Numbering, _Numbering],
) -> Interactions:
    """Turns rows into numbers; a ``ValueError`` says why a row cannot be used."""
    columns = layout.columns
    filled = list(filter(None, rows))
    if set(map(len, filled)) - {layout.width}:
        raise ValueError("another number of columns than in the first row")
    cells = list(zip(*filled, strict=True)) or [()] * layout.width
    users, items = (
        np.array([numbering[cell.strip()] for cell in cells[column]], np.int32)
        for numbering, column in zip(numberings, columns[:2], strict=True)
    )
    if "" in numberings[0] or "" in numberings[1]:
        raise ValueError("an empty id")
    if columns.timestamp is None:
        return Interactions(users, items, None)
    times = read_times(cells[columns.timestamp], layout.first_time)
    return Interactions(users, items, times)
