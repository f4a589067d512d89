"""Whether the first row of a table names its columns."""

from collections.abc import Sequence

from jaxfr.data.column_names import Role, named_role
from jaxfr.data.times import is_date, is_number
from jaxfr.errors import InvalidInputError
from jaxfr.terminal import excerpt


def has_header(rows: Sequence[Sequence[str]], source: str) -> bool:
    """Tells a row of names from a row of values.

    Names are told by known words for a user and an item, or else by what sets them
    apart from the values below: no digit where all values have some.

    Args:
        rows: the first rows of the table, all of one width.
        source: what a message calls the table.

    Raises:
        InvalidInputError: if it cannot be told.
    """
    first, below = rows[0], rows[1:]
    known = [named.role for named in map(named_role, first) if named is not None]
    if {Role.USER, Role.ITEM}.issubset(known):
        return True
    signs = {True: False, False: any(map(_is_value, first))}
    if not signs[False]:
        for name, values in zip(first, zip(*below, strict=True), strict=False):
            for_header, for_values = _signs(name, values)
            signs[True] |= for_header
            signs[False] |= for_values
        signs[True] |= len(known) - known.count(Role.INDEX) > 1
    if signs[True] == signs[False]:
        shown = excerpt(", ".join(first))
        raise InvalidInputError(
            f"{source}: whether its first row ({shown}) holds the "
            "names of the columns cannot be told; say --header=yes or --header=no"
        )
    return signs[True]


def _signs(name: str, values: Sequence[str]) -> tuple[bool, bool]:
    """What speaks for the name of a column, and what for one more of its values."""
    filled = [value for value in values if value.strip()]
    every_value_has_digits = bool(filled) and all(map(_has_digit, filled))
    differs = all(map(_is_value, filled))  # as the name is none
    return (
        every_value_has_digits and (differs or not _has_digit(name)),
        name in filled or (every_value_has_digits and _has_digit(name)),
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_value(text: str) -> bool:
    return is_number(text) or is_date(text)
