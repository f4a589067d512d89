"""Which column of a table is the user, which the item, and which the time."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from jaxfr.errors import InvalidInputError

_USER_NAMES = frozenset({"user", "users", "userid", "uid", "client", "clientid"})
_ITEM_NAMES = frozenset({"item", "items", "itemid", "iid", "movie", "movieid"})
_TIME_NAMES = frozenset({"timestamp", "timestamps", "time", "ts", "unixtime"})


class Columns(NamedTuple):
    """Where a row has its user, its item and its time, from 0; None for no time."""

    user: int
    item: int
    timestamp: int | None


def find_columns(names: Sequence[str], source: str) -> Columns | None:
    """Finds the columns by their names.

    Args:
        names: the names; case, punctuation and a type after a colon do not count.
        source: what a message calls the table.

    Returns:
        The columns; None if no name is known.

    Raises:
        InvalidInputError: if a user column is named without an item column, or the
            other way round.
    """
    plain = [re.sub(r"[^a-z0-9]", "", name.lower().split(":")[0]) for name in names]
    user, item, timestamp = (
        next((place for place, name in enumerate(plain) if name in known), None)
        for known in (_USER_NAMES, _ITEM_NAMES, _TIME_NAMES)
    )
    if user is None and item is None:
        return None
    if user is None or item is None:
        raise InvalidInputError(
            f"{source}: the header must name a user and an item column, "
            f"not only {', '.join(names)}"
        )
    return Columns(user, item, timestamp)


def columns_by_number(width: int, source: str) -> Columns:
    """Returns the columns of a table whose columns have no names that are known.

    Args:
        width: number of columns.
        source: what a message calls the table.

    Raises:
        InvalidInputError: if there are fewer than 2 columns or more than 4.
    """
    if not 2 <= width <= 4:
        raise InvalidInputError(
            f"{source}: {width} columns; expected user, item[, timestamp] or "
            "user, item, rating, timestamp, or a header that names them"
        )
    return Columns(0, 1, width - 1 if width > 2 else None)
