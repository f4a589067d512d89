"""What a study has to show, apart from how it is printed or laid out on a page."""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple


class Table(NamedTuple):
    """A table of finished cells.

    Attributes:
        caption: what it shows, with units.
        header: a word for each column.
        rows: the cells, as many in each row as in the header.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(NamedTuple):
    """A picture that can be drawn into a file.

    Attributes:
        name: of its file, ends in ``.png``.
        caption: what it shows.
        draw: writes it to the path that it is given.
    """

    name: str
    caption: str
    draw: Callable[[pathlib.Path], Any]


class Finding(NamedTuple):
    """Something that the paper states, held against the records.

    Attributes:
        statement: what the paper states, in one sentence.
        holds: whether the records bear it out; None where they cannot tell.
        evidence: the numbers that decide it, or why there are none.
    """

    statement: str
    holds: bool | None
    evidence: str


class Section(NamedTuple):
    """All that a study shows.

    Attributes:
        title: which table or figure of the paper, and of what.
        text: paragraphs: what was run, and what differs from the paper and why.
        tables: tables, in order.
        pictures: pictures, in order.
        findings: what the paper states.
    """

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()
