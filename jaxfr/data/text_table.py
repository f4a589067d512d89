"""A table of interactions in text: one row is a user, an item and perhaps a time."""

import bisect
import csv
import itertools
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

import numpy as np

from jaxfr.data.column_names import has_header
from jaxfr.data.columns import Column, Columns, TableOptions, find_columns
from jaxfr.data.separators import (
    comma_or_other,
    cut,
    find_separator,
    one_letter,
    with_one_letter,
)
from jaxfr.data.times import is_number, join_times, looks_of, read_times
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
    rated_below: int = 0  # rows that are left out for their rating


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
    min_rating: float | None


class _Numbering(dict[str, int]):
    """Numbers what it is asked for, from 0, in order of first appearance."""

    def __missing__(self, value: str) -> int:
        number = len(self)
        self[value] = number
        return number


def read_table(
    stream: TextIO,
    separator: str | None,
    source: str,
    options: TableOptions | None = None,
) -> tuple[Interactions, str]:
    """Reads rows from a seekable text; also, in words, which column is what.

    The separator None is found; a comma gives way to what cuts the first rows into more
    columns.

    A header is optional. With one, columns are found by name (``user_id``, ``item``,
    ``timestamp`` and many others) and the rest is ignored. Without known names, columns
    are user, item; user, item, timestamp; or user, item, rating, timestamp, by their
    order, if what is to be the timestamp can be nothing else. Ids are any text; spaces
    around them do not count, nor do empty lines, and quotes have a meaning only beside
    commas and semicolons. In a table of whole numbers only, which is read five times
    faster, ``07`` is ``7``. Times are numbers, or dates as ISO 8601 writes them, to the
    microsecond.

    Raises:
        InvalidInputError: if it cannot be told which column is what, a row is not like
            the first, an id is empty, a timestamp is not a number or date, or a rating
            that is asked for is not a number.
    """
    options = options or TableOptions()
    try:
        lines = list(itertools.islice(stream, SAMPLED_ROWS))
        if not lines or not lines[0].strip():
            raise InvalidInputError(f"{source}: no rows, or an empty first line")
        if separator is None:
            separator = find_separator(lines, source)
        elif separator == ",":
            separator = comma_or_other(lines)
        first_rows = list(cut(lines, separator))
        width = len(first_rows[0])
        sample = [row for row in first_rows if len(row) == width]
        columns, values = _sampled_columns(sample, options, source)
        chosen = find_columns(columns, options, source)
        first = values[0] if values else [""] * width
        first_time = "" if chosen.timestamp is None else first[chosen.timestamp]
        layout = _Layout(
            chosen, width, len(sample) - len(values), first_time, options.min_rating
        )
        interactions = None
        if all(text.strip().isdecimal() for text in first):
            stream.seek(0)
            interactions = _parse_whole_numbers(stream, separator, layout)
        if interactions is None:
            stream.seek(0)
            interactions = _parse(cut(stream, separator), layout, source)
        if not len(interactions.users):
            raise InvalidInputError(
                f"{source}: min_rating={options.min_rating:g}: no row is rated so high"
            )
        return interactions, chosen.describe(columns, options.min_rating)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{source}: not a table in UTF-8 ({error}); save it as that, as iconv -f "
            "latin1 -t utf-8 does"
        ) from None


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


def _parse_whole_numbers(
    stream: TextIO, separator: str, layout: _Layout
) -> Interactions | None:
    """Reads a table that holds nothing else; None if it holds something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(
                with_one_letter(stream, separator),
                np.int64,
                comments=None,
                delimiter=one_letter(separator),
                skiprows=layout.header_rows,
                ndmin=2,
            )
    except (ValueError, Warning):
        return None
    if table.shape[1] != layout.width:
        return None
    rows = len(table)
    if layout.min_rating is not None:
        table = table[table[:, layout.columns.rating] >= layout.min_rating]
    users, items, times = (
        None if column is None else np.ascontiguousarray(table[:, column])
        for column in layout.columns[:3]
    )
    below = rows - len(table)
    return Interactions(users, items, times, None, below)  # type: ignore[arg-type]


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
    if not any(len(part.users) + part.rated_below for part in parts):
        raise InvalidInputError(f"{source}: no rows below the header")
    users, items, times, _, below = zip(*parts, strict=True)
    for numbering in numberings:
        _refuse_twins(numbering, source)
    timestamps = None
    if layout.columns.timestamp is not None:
        try:
            timestamps = join_times(times)
        except ValueError as error:
            raise InvalidInputError(f"{source}: {error}") from None
    return Interactions(
        np.concatenate(users),
        np.concatenate(items),
        timestamps,
        list(numberings[0]),
        sum(below),
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
    rows_read, least = len(filled), layout.min_rating
    if least is not None and columns.rating is not None:
        filled = [row for row in filled if rating_of(row[columns.rating]) >= least]
    cells = list(zip(*filled, strict=True)) or [()] * layout.width
    users, items = (
        np.array([numbering[cell.strip()] for cell in cells[column]], np.int32)
        for numbering, column in zip(numberings, columns[:2], strict=True)
    )
    if "" in numberings[0] or "" in numberings[1]:
        raise ValueError("an empty id")
    times = None
    if columns.timestamp is not None:
        times = read_times(cells[columns.timestamp], layout.first_time)
    return Interactions(users, items, times, None, rows_read - len(filled))


def rating_of(cell: str) -> float:
    """A rating as a number; a ``ValueError`` says that it is none.

    A comma may stand for the decimal point, but not where it may part thousands.
    """
    text = cell
    if not is_number(cell):
        text = re.sub(r"^([^.,]*),(?!\d{3}\s*$)", r"\1.", cell)
    if not is_number(text):
        raise ValueError(
            f"a rating that is not a number (as 4, 4.5 or 4,5): '{excerpt(cell)}'"
        )
    return float(text)
