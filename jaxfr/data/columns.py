"""Which column of a table is the user, which the item, the time and the rating.

Whoever reads a table says so (``TableOptions``), or else its names do, or else the
order of its columns. What could be one thing or another is refused, and never guessed.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from jaxfr.data.column_names import Role, named_role
from jaxfr.data.times import Looks
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.ranges import ANY_NUMBER, check_number
from jaxfr.terminal import excerpt

# In place of a column that a table does not have.
NO_COLUMN = "none"
# A table whose columns have no names that are known has at most this many.
_MOST_WITHOUT_NAMES = 4


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """How a user's own table is read; what is left out is found in the table.

    Attributes:
        user_column: the column of users: its name, or its number from 1.
        item_column: the column of items, likewise.
        time_column: the column of times, likewise; ``none``: there is none, and the
            order of the rows is the order of time.
        rating_column: the column of ratings or counts, likewise; used by
            ``min_rating`` only.
        min_rating: rows with a lower rating are left out; None: all rows count.
        header: whether the first row names the columns: ``yes``, ``no`` or ``auto``.

    Raises:
        InvalidInputError: if ``min_rating`` is no finite number.
    """

    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    rating_column: str | None = None
    min_rating: float | None = None
    header: str = "auto"

    def __post_init__(self) -> None:
        """Refuses what is no number."""
        if self.min_rating is not None:
            check_number("min_rating", self.min_rating, ANY_NUMBER)

    @property
    def names_columns(self) -> bool:
        """Whether some column is given by its name, so that there is a header."""
        given = self.given().items()
        texts = [text for name, text in given if name.endswith("_column")]
        return any(text.lower() != NO_COLUMN and not text.isdecimal() for text in texts)

    def given(self) -> dict[str, Any]:
        """What was chosen, by name."""
        default = dataclasses.asdict(TableOptions())
        chosen = dataclasses.asdict(self).items()
        return {name: value for name, value in chosen if value != default[name]}

    def refuse_for(self, data: str) -> None:
        """Refuses whatever was chosen for data that are no table."""
        for name, value in self.given().items():
            raise InvalidInputError(
                f"{name}={value!r}: is for a table of your own (CSV, TSV, Parquet), "
                f"which {data} is not"
            )


class Column(NamedTuple):
    """A column before it is read: its name, None without a header, and first values.

    ``is_index`` says that it is known to number the rows only.
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

    def describe(
        self, columns: Sequence[Column], min_rating: float | None = None
    ) -> str:
        """Says which column is what, and which are not used."""
        user, item, time, rating = (
            NO_COLUMN if place is None else _title(columns, place) for place in self
        )
        by_order = " (file order decides)" * (self.timestamp is None)
        use = "is dropped" if min_rating is None else f"must be {min_rating:g} or more"
        dropped = f", which {use}" * (self.rating is not None)
        others = [
            _title(columns, place) for place in range(len(columns)) if place not in self
        ]
        return (
            f"user={user}, item={item}, time={time}{by_order}, rating={rating}{dropped}"
            + f"; not used: {', '.join(others)}" * bool(others)
        )


def find_columns(
    columns: Sequence[Column], options: TableOptions, source: str
) -> Columns:
    """Finds the user, item, time and rating among columns of a table called ``source``.

    Refuses a name that no column has, and a table of which they cannot be told.
    """
    return _Search(columns, options, source).find()


class _Search:
    """The columns of one table that have no role yet."""

    def __init__(
        self, columns: Sequence[Column], options: TableOptions, source: str
    ) -> None:
        self.columns, self.source = columns, source
        names = [column.name for column in columns]
        self.named = [None if name is None else named_role(name) for name in names]
        said = options.given()
        self.rated = options.min_rating is not None
        self.given = {
            role: self.place(flag, said[flag])
            for role in (Role.USER, Role.ITEM, Role.TIME, Role.RATING)
            if (flag := f"{role.value}_column") in said
        }
        taken = [place for place in self.given.values() if place is not None]
        if len(set(taken)) < len(taken):
            self.refuse("one column cannot be two things")
        index = {p for p, c in enumerate(columns) if c.is_index}
        index |= {p for p in range(len(columns)) if self.is_(p, Role.INDEX)}
        self.free = [p for p in range(len(columns)) if p not in {*taken, *index}]

    def find(self) -> Columns:
        user, item, unnamed = self.users_and_items()
        self.free = [place for place in self.free if place not in (user, item)]
        if Role.TIME in self.given:
            time = self.given[Role.TIME]
        elif (time := self.time_by_name()) is None:
            time = self.time_by_looks(unnamed)
        self.free = [place for place in self.free if place != time]
        if Role.RATING in self.given:
            rating = self.given[Role.RATING]
        elif (rating := self.best(Role.RATING, must_be_one=self.rated)) is None:
            rating = self.free[0] if unnamed and len(self.free) == 1 else None
        if rating is None and self.rated:
            self.refuse("min_rating: there is no rating", "--rating_column")
        return Columns(user, item, time, rating)

    def users_and_items(self) -> tuple[int, int, bool]:
        """Returns the two columns, and whether order and looks tell what others are.

        They do where no name says what a user or an item is, given or found.
        """
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
        unnamed = len(self.columns) <= _MOST_WITHOUT_NAMES and not any(
            self.is_(place, Role.USER, Role.ITEM) for place in range(len(self.columns))
        )
        return user, item, bool(missing) or unnamed or self.columns[0].name is None

    def time_by_name(self) -> int | None:
        """The column of time that the header names, if it names one."""
        named = [place for place in self.free if self.is_(place, Role.TIME)]
        readable = [p for p in named if self.columns[p].looks is not Looks.TEXT]
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
        near = nearest(text, [excerpt(name) for name in names if name])
        self.refuse(f"{flag}={text!r}: there is no such column{near}")

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
        flags = (
            flags or "--user_column, --item_column and --time_column (name or number)"
        )
        raise InvalidInputError(
            f"{self.source}: {reason}; its columns are {titles}; say {flags}"
        )


def _title(columns: Sequence[Column], place: int) -> str:
    name = columns[place].name
    if not name:
        return f"column {place + 1}"
    return f"{excerpt(name)} (column {place + 1})"


def _is_called(name: str | None, text: str) -> bool:
    """Whether a name is the given one, or is it but for a type after a colon."""
    names = [] if name is None else [name.strip(), name.strip().split(":")[0]]
    return text.strip() in names
