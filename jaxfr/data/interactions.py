"""What is read of a user's own table, in whichever format it is."""

import bisect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

# Rows from which it is told what the columns are.
SAMPLED_ROWS = 1000


class Interactions(NamedTuple):
    """Rows in file order, as ``leave_one_out`` takes them.

    Attributes:
        users: a number for each distinct user, integer ``[rows]``.
        items: a number for each distinct item, integer ``[rows]``.
        timestamps: int64 or float64 ``[rows]``, whose order is that of time; None if
            the order of the rows is.
        user_ids: what the file calls each user, by its number; None if the numbers are
            the file's own.
    """

    users: np.ndarray
    items: np.ndarray
    timestamps: np.ndarray | None
    user_ids: Sequence[object] | None = None


class Table(NamedTuple):
    """What was read.

    Attributes:
        interactions: the rows.
        columns: which column is what, in words.
    """

    interactions: Interactions
    columns: str

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.interactions.users)


def first_bad_row(
    convert: Callable[[Sequence[Any]], object], rows: Sequence[Any]
) -> tuple[int, str]:
    """Finds the first row that cannot be used.

    Args:
        convert: uses rows, and raises a ``ValueError`` that says what is wrong with one
            of them, be it by itself or beside those before it.
        rows: rows that it raises one for.

    Returns:
        The place of the row, from 0, and what is wrong.
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
