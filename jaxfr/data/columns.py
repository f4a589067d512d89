"""Which column of a table is the user, which the item, the time and the rating.

Whoever reads a table says so (``TableOptions``), or else its names do, or else the
order of its columns. What could be one thing or another is refused, and never guessed.
"""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from jaxfr.data.column_names import Role, named_role
from jaxfr.data.options import NO_COLUMN, TableOptions
from jaxfr.data.times import Looks
from jaxfr.errors import InvalidInputError
from jaxfr.terminal import excerpt

# A table whose columns have no names that are known has at most this many.
_MOST_WITHOUT_NAMES = 4


class Column(NamedTuple):
    """What is known of a column before it is read.

    Attributes:
        name: its name, None in a table without a header.
        looks: what its first values look like.
        is_index: whether it is known to number the rows only.
    """

    name: str | None
    looks: Looks
    is_index: bool = False


class Columns(NamedTuple):
    """Where a row has its user, item, time and rating, from 0; None: nowhere."""

    user: int
    item: int
    timestamp: int | None
    rating: int | None

    def describe(self, columns: Sequence[Column]) -> str:
        """Says which column is what, and which are not used."""
        words = [
            f"{role}={_title(columns, place)}"
            for role, place in (("user", self.user), ("item", self.item))
        ]
        time, rating = NO_COLUMN, NO_COLUMN
        if self.timestamp is not None:
            time = _title(columns, self.timestamp)
        if self.rating is not None:
            rating = f"{_title(columns, self.rating)}, which is dropped"
        by_order = " (file order decides)" * (self.timestamp is None)
        words += [f"time={time}{by_order}", f"rating={rating}"]
        others = [
            _title(columns, place) for place in range(len(columns)) if place not in self
        ]
        return ", ".join(words) + f"; not used: {', '.join(others)}" * bool(others)


def find_columns(
    columns: Sequence[Column], options: TableOptions, source: str
) -> Columns:
    """Finds the user, item, time and rating among columns.

    Args:
        columns: all columns, in order.
        options: what was said of them.
        source: what a message calls the table.

    Raises:
        InvalidInputError: if a column that was named does not exist, or it cannot be
            told which column is what.
    """
    return _Search(columns, options, source).find()


class _Search:
    """The columns of one table that have no role yet."""

    def __init__(
        self, columns: Sequence[Column], options: TableOptions, source: str
    ) -> None:
        self.columns, self.source = columns, source
        self.named = [
            None if column.name is None else named_role(column.name)
            for column in columns
        ]
        self.given = {
            role: self.place(flag, text)
            for role, flag, text in (
                (Role.USER, "user_column", options.user_column),
                (Role.ITEM, "item_column", options.item_column),
                (Role.TIME, "time_column", options.time_column),
                (Role.RATING, "rating_column", options.rating_column),
            )
            if text is not None
        }
        taken = [place for place in self.given.values() if place is not None]
        if len(set(taken)) < len(taken):
            self.refuse("one column cannot be two things")
        self.free = [
            place
            for place, column in enumerate(columns)
            if place not in taken
            and not column.is_index
            and not self.is_(place, Role.INDEX)
        ]

    def find(self) -> Columns:
        user, item, unnamed = self.users_and_items()
        self.free = [place for place in self.free if place not in (user, item)]
        time = self.given.get(Role.TIME)
        if Role.TIME not in self.given:
            time = self.time_by_name()
            if time is None:
                time = self.time_by_looks(unnamed)
        self.free = [place for place in self.free if place != time]
        rating = self.given.get(Role.RATING)
        if Role.RATING not in self.given:
            rating = self.best(Role.RATING, must_be_one=False)
            if rating is None and unnamed and len(self.free) == 1:
                rating = self.free[0]
        return Columns(user, item, time, rating)

    def users_and_items(self) -> tuple[int, int, bool]:
        """Returns the two columns, and whether no names tell what the others are."""
        found = {
            role: self.given[role] if role in self.given else self.best(role)
            for role in (Role.USER, Role.ITEM)
        }
        missing = [role for role, place in found.items() if place is None]
        if len(missing) == 1 and not set(found) & set(self.given):
            self.refuse("the header must name a user and an item column")
        if missing:
            ordered = [
                place
                for place in self.free
                if not self.is_(place, Role.TIME, Role.RATING)
                and place not in found.values()
            ]
            if len(self.columns) > _MOST_WITHOUT_NAMES or len(ordered) < len(missing):
                self.refuse(
                    f"{len(self.columns)} columns; expected user, item[, timestamp] or "
                    "user, item, rating, timestamp, or a header that names them"
                )
            found.update(zip(missing, ordered, strict=False))
        user, item = found[Role.USER], found[Role.ITEM]
        assert user is not None
        assert item is not None
        return user, item, bool(missing) or self.columns[0].name is None

    def time_by_name(self) -> int | None:
        """The column of time that the header names, if it names one."""
        named = [place for place in self.free if self.is_(place, Role.TIME)]
        readable = [
            place for place in named if self.columns[place].looks is not Looks.TEXT
        ]
        # What cannot be read is told of with its line, where there is no other.
        return self.best(Role.TIME, readable or named)

    def time_by_looks(self, unnamed: bool) -> int | None:
        """The column that can only be a time, if there is one."""
        places = [place for place in self.free if not self.is_(place, Role.RATING)]
        for looks in (Looks.DATES, Looks.MOMENTS):
            alike = [place for place in places if self.columns[place].looks is looks]
            is_clear = unnamed or looks is Looks.DATES
            if len(alike) == 1 and is_clear and not self.is_(alike[0], Role.OTHER):
                return alike[0]
            if alike:
                self.refuse_as_time(alike)
        if unnamed and places:
            self.refuse_as_time(places)
        return None

    def best(
        self, role: Role, places: Sequence[int] | None = None, must_be_one: bool = True
    ) -> int | None:
        """The free column that is named most clearly; None if none is named so."""
        rated = [
            (named.certainty, place)
            for place in (self.free if places is None else places)
            if (named := self.named[place]) is not None and named.role is role
        ]
        most = max((certainty for certainty, _ in rated), default=0)
        named_best = [place for certainty, place in rated if certainty == most]
        if len(named_best) > 1 and must_be_one:
            titles = " or ".join(_title(self.columns, place) for place in named_best)
            none = f", or --{role.value}_column=none" * (role is Role.TIME)
            self.refuse(
                f"the {role.value} may be {titles}", f"--{role.value}_column{none}"
            )
        return named_best[0] if named_best else None

    def is_(self, place: int, *roles: Role) -> bool:
        """Whether a column's name says one of some roles."""
        named = self.named[place]
        return named is not None and named.role in roles

    def place(self, flag: str, text: str) -> int | None:
        """The place of a column that was named, or numbered from 1."""
        if flag in ("time_column", "rating_column") and text.lower() == NO_COLUMN:
            return None
        names = [column.name for column in self.columns]
        same = [place for place, name in enumerate(names) if _is_called(name, text)]
        if len(same) > 1:
            self.refuse(f"{flag}={text!r}: several columns have this name")
        if same:
            return same[0]
        if text.isdecimal() and 1 <= int(text) <= len(names):
            return int(text) - 1
        self.refuse(f"{flag}={text!r}: there is no such column")

    def refuse_as_time(self, places: Sequence[int]) -> NoReturn:
        """Refuses a table whose time cannot be told."""
        titles = " or ".join(_title(self.columns, place) for place in places)
        self.refuse(
            f"{titles} may be a time, a rating or something else",
            "--time_column=..., or --time_column=none, where file order decides",
        )

    def refuse(self, reason: str, flags: str = "") -> NoReturn:
        """Refuses the table."""
        titles = ", ".join(_title(self.columns, p) for p in range(len(self.columns)))
        raise InvalidInputError(
            f"{self.source}: {reason}; its columns are {titles}; say "
            + (
                flags
                or "--user_column, --item_column and --time_column (name or number)"
            )
        )


def _title(columns: Sequence[Column], place: int) -> str:
    name = columns[place].name
    if not name:
        return f"column {place + 1}"
    return f"{excerpt(name)} (column {place + 1})"


def _is_called(name: str | None, text: str) -> bool:
    """Whether a name is the given one, or is it but for a type after a colon."""
    return name is not None and text.strip() in (
        name.strip(),
        name.strip().split(":")[0],
    )
