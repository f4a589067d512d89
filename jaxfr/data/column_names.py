"""What names of columns say: user, item, time, rating; and whether a row is names."""

import enum
import re
from collections.abc import Sequence
from typing import NamedTuple

from jaxfr.data.times import is_date, is_number
from jaxfr.errors import InvalidInputError
from jaxfr.terminal import excerpt


class Role(enum.Enum):
    """What a column holds; the value is the word for it in flags and messages."""

    USER = "user"
    ITEM = "item"
    TIME = "time"
    RATING = "rating"
    INDEX = "index"
    OTHER = "time of something else"


class NamedRole(NamedTuple):
    """What a name says: ``OTHER`` is a time, but not that of the row.

    Certainty is 2 for the usual name, 1 for the name of an id, otherwise 0; among
    several columns of one role the most certain counts.
    """

    role: Role
    certainty: int


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_USUAL = {
    Role.USER: _words("user users userid uid client clientid"),
    Role.ITEM: _words("item items itemid iid movie movieid"),
    Role.TIME: _words("timestamp timestamps time ts unixtime"),
    Role.RATING: _words("rating ratings stars overall"),
}
_USER = _words(
    "user uid username userid client customer consumer reviewer rater listener member "
    "visitor player reader buyer shopper viewer watcher subscriber account profile "
    "person who"
)
_ITEM = _words(
    "item iid movie film product book isbn asin track song music artist album title "
    "game app business article news course restaurant venue place poi location show "
    "series anime manga recipe beer wine video podcast photo image pin post page url "
    "repo sku goods hotel joke paper document doc offer what"
)
# Beside the word for a user or an item these change nothing; any other word makes it
# another thing, as in user_age or movie_genre.
_NEUTRAL = _words(
    "id ids key idx index code no nr number hash uuid guid token str name raw orig "
    "original anon anonymous parent external internal the"
)
_ID = _words("id ids key idx uid iid uuid guid isbn asin sku hash userid itemid")
_TIME = _words(
    "timestamp timestamps ts datetime date dt at when epoch unixtime reviewtime "
    "unixreviewtime eventtime created updated modified added"
)
_MEASURE = _words(
    "rating ratings overall rate score scores star stars count counts cnt weight "
    "weights freq frequency play plays playcount listens hour hours minute minutes "
    "second seconds duration dur pct percent ratio click clicks view views like likes "
    "vote votes num n amount price quantity qty total sum value label helpful feedback "
    "preference times length spent spend dwell elapsed playtime watchtime runtime"
)
_UNITS = _words("ms us ns s sec secs second seconds millis utc gmt unix iso local")
# Of users and items themselves: release_date.
_OF_ANOTHER = _words(
    "release released birth born birthday publish published publication expiry expires "
    "signup joined registered registration"
)
# Lengths of time rather than moments: watch_time.
_LASTING = _words("watch listen reading")


def named_role(name: str) -> NamedRole | None:
    """Says what the name of a column stands for; None if that is nothing known.

    Names are split at punctuation and capitals; case, and a type after a colon as in
    RecBole's files, do not count. A name of a rating or a count is never a time.
    """
    words = _split(name)
    if re.fullmatch(r"|index|unnamed\d*|(index)?level\d+", "".join(words)):
        return NamedRole(Role.INDEX, 0)  # as pandas writes one
    role = _role(words)
    if role is None:
        return None
    usual = "".join(words) in _USUAL.get(role, ())
    return NamedRole(role, 2 if usual else int(not _ID.isdisjoint(words)))


def _split(name: str) -> list[str]:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    words = re.findall(r"[^\W_]+", text.partition(":")[0].lower())
    if len(words) == 1 and words[0] not in _USER | _ITEM:
        # userid, movieids: an id whose words stand together
        glued = re.fullmatch(r"(\w+?)(ids?)", words[0])
        if glued and _singular(glued[1]) in _USER | _ITEM:
            return [glued[1], glued[2]]
    return words


def _role(words: list[str]) -> Role | None:
    core = [word for word in words if word not in _UNITS] or words
    is_measure = not _MEASURE.isdisjoint(core)
    is_date = not _TIME.isdisjoint(core) and core[-1] not in _MEASURE
    if is_date or ("time" in core and not is_measure and _LASTING.isdisjoint(core)):
        return Role.TIME if _OF_ANOTHER.isdisjoint(core) else Role.OTHER
    if is_measure:
        return Role.RATING
    others = [word for word in map(_singular, words) if word not in _NEUTRAL]
    for role, known in ((Role.USER, _USER), (Role.ITEM, _ITEM)):
        if others and known.issuperset(others):
            return role
    return None


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in _USER | _ITEM else word


def has_header(rows: Sequence[Sequence[str]], source: str) -> bool:
    """Tells a row of names from a row of values, by the first rows of a table.

    Names are told by known words for a user and an item, or else by what sets them
    apart from the values below: no digit where all values have some.

    Raises:
        InvalidInputError: if it cannot be told, of the table called ``source``.
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
