"""What stands between the cells of a text table, and how it is found."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from jaxfr.errors import InvalidInputError

BLANKS = " "
"""Any number of blanks or tabs between two cells."""

_WORDS = {
    "\t": "tabs",
    "::": "double colons",
    ";": "semicolons",
    "|": "bars",
    ",": "commas",
    BLANKS: "blanks",
}
# What programs write in place of commas.
_BESIDE_COMMAS = ("\t", ";", "|")
# Of the rows that a separator is found by, so many may be damaged.
_MOST_DAMAGED = 0.1


def cut(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """The cells of each line; quotes have a meaning beside commas and semicolons."""
    quoted = separator in (",", ";")
    return csv.reader(
        with_one_letter(lines, separator),
        delimiter=separator if quoted else one_letter(separator),
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        skipinitialspace=quoted,
    )


def one_letter(separator: str) -> str:
    """The separator of what :func:`with_one_letter` makes."""
    return "\t" if separator in ("::", BLANKS) else separator


def with_one_letter(lines: Iterable[str], separator: str) -> Iterable[str]:
    """Lines with a tab in place of a separator that is not a single letter."""
    if separator == "::":
        return (line.replace("::", "\t") for line in lines)
    if separator == BLANKS:
        return ("\t".join(line.split()) + "\n" for line in lines)
    return lines


def find_separator(lines: Sequence[str], source: str) -> str:
    """The one that cuts the first lines of a table into equally many cells.

    Raises:
        InvalidInputError: if there is none, or it may be one or another.
    """
    found = _widest(lines, [one for one in _WORDS if one != BLANKS])
    with_blanks = _width(lines, BLANKS) > 1
    if with_blanks and any(BLANKS in next(cut(lines, one))[0] for one in found):
        found.append(BLANKS)
    found = found or [BLANKS] * with_blanks
    if len(found) != 1:
        may_be = " or ".join(_WORDS[one] for one in found)
        told = f"may be {may_be}" if found else "cannot be told"
        raise InvalidInputError(
            f"{source}: what separates its columns {told}; in a file that ends in "
            ".csv it is commas, in .tsv tabs (and lines of `user item item ...` are "
            "read from a folder with train.txt and test.txt)"
        )
    return found[0]


def comma_or_other(lines: Sequence[str]) -> str:
    """A comma, but what is as plain in a file that spreadsheets have written."""
    found = _widest(lines, (",", *_BESIDE_COMMAS))
    return found[0] if len(found) == 1 else ","


def _widest(lines: Sequence[str], separators: Iterable[str]) -> list[str]:
    """Those that cut lines into most cells, equally many; none where none cuts."""
    widths = {one: width for one in separators if (width := _width(lines, one)) > 1}
    most = max(widths.values(), default=0)
    return [one for one, width in widths.items() if width == most]


def _width(lines: Sequence[str], separator: str) -> int:
    """How many cells the lines have, as the first has; 0 if they differ."""
    if separator == "::" and separator not in lines[0]:
        return 0  # tabs are as good
    try:
        widths = [len(cells) for cells in cut(lines, separator) if cells]
    except csv.Error:
        return 0
    alike = Counter(widths)[widths[0]] if widths else 0
    return widths[0] if alike and alike >= (1 - _MOST_DAMAGED) * len(widths) else 0
