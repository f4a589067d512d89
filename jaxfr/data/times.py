"""Times as they stand in a table: numbers, or dates in text.

Dates are ISO's, 2005-12-31, or those of many spreadsheets, 31.12.2005. With slashes it
cannot be told which number is the day, so that these are refused.
"""

import contextlib
import datetime
import enum
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from jaxfr.terminal import excerpt

# Numbers from here on are seconds (or less) since 1970, and no rating or count.
_FIRST_MOMENT = 10**8
# Below, every whole number is a number of 64 bits in floating point.
_EXACT = 2**53
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAY_FIRST = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?: (\d\d?)(:.*))?")
_COMPACT_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_WHOLE_NUMBER = re.compile(r"\s*[+-]?\d+\s*")
_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)


class Looks(enum.Enum):
    """What the values of a column look like.

    ``MOMENTS`` are numbers that are hardly anything but a time: at least 10^8, as the
    seconds since 1970 are, or dates as 20051231.
    """

    TEXT, NUMBERS, MOMENTS, DATES = range(4)


def looks_of(cells: Sequence[str]) -> Looks:
    """Says what the values of a column look like.

    The first value decides between text, numbers and dates: what is of another kind
    further down is a mistake to be told of. Empty ones do not count.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    if filled and is_date(filled[0]):
        return Looks.DATES
    if not filled or not is_number(filled[0]):
        return Looks.TEXT
    numbers = [cell for cell in filled if is_number(cell)]
    if all(float(cell) >= _FIRST_MOMENT for cell in numbers) or all(
        map(_COMPACT_DATE.fullmatch, numbers)
    ):
        return Looks.MOMENTS
    return Looks.NUMBERS


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    with contextlib.suppress(ValueError):
        return math.isfinite(float(text)) and "_" not in text
    return False


def is_date(text: str) -> bool:
    """Whether a text is a date or date-time: 2005-12-31 or 31.12.2005 23:59."""
    with contextlib.suppress(ValueError):
        return bool(_date(text))
    return False


def read_times(values: Sequence[str], first: str) -> np.ndarray:
    """Turns times into numbers that sort as the times do.

    Numbers stay as they are, int64 if all are whole and otherwise float64; dates become
    microseconds since 1970, int64. All are of the kind of the first time of their
    column: a number, a date or date-time, or one with a time zone.

    Raises:
        ValueError: says what is wrong with a value.
    """
    if not is_date(first):
        return _read_numbers(values, is_number(first))
    zoned = _date(first).tzinfo is not None
    try:
        dates = list(map(_date, values))
    except ValueError:
        told = "a timestamp that is not a date like the first"
        raise _of_first_bad(told, values, is_date) from None
    if any((date.tzinfo is not None) != zoned for date in dates):
        raise ValueError("a timestamp with a time zone beside others without one")
    epoch = _EPOCH.replace(tzinfo=datetime.UTC if zoned else None)
    return np.fromiter(
        ((date - epoch) // _MICROSECOND for date in dates), np.int64, len(dates)
    )


def join_times(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Puts the parts of a column of times together.

    Whole numbers that would lose digits beside fractions are a ``ValueError``.
    """
    whole = [part for part in parts if part.dtype == np.int64]
    if len(whole) < len(parts) and any(np.any(np.abs(p) > _EXACT) for p in whole):
        raise ValueError("timestamps of more than 15 digits beside some with fractions")
    return np.concatenate(parts)


def _of_first_bad(
    told: str, values: Sequence[str], is_good: Callable[[str], bool]
) -> ValueError:
    bad = next(value for value in values if not is_good(value))
    return ValueError(f"{told}: '{excerpt(bad)}'")


def _date(text: str) -> datetime.datetime:
    text = text.strip()
    if dotted := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, rest = dotted.groups(default="")
        time = f" {hour:0>2}{rest}" * bool(hour)
        text = f"{year}-{month:0>2}-{day:0>2}{time}"
    if not _DATE.match(text):
        raise ValueError(text)
    return datetime.datetime.fromisoformat(text)


def _read_numbers(values: Sequence[str], first_is_one: bool) -> np.ndarray:
    or_date = "" if first_is_one else " or a date (2005-12-31 or 31.12.2005)"
    told = f"a timestamp that is not a number{or_date}"
    if any("_" in value for value in values):
        raise _of_first_bad(told, values, is_number)
    with contextlib.suppress(ValueError, OverflowError):
        return np.fromiter(map(int, values), np.int64, len(values))
    try:
        times = np.fromiter(map(float, values), np.float64, len(values))
    except ValueError:
        raise _of_first_bad(told, values, is_number) from None
    if not np.all(np.isfinite(times)):
        raise ValueError("a timestamp that is not finite")
    for place in np.flatnonzero(np.abs(times) > _EXACT).tolist():
        if _WHOLE_NUMBER.fullmatch(values[place]):
            raise ValueError("a timestamp with more digits than can be told apart")
    return times
