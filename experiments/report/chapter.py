"""What the page is made of."""

from collections.abc import Mapping
from typing import NamedTuple

from experiments.studies.study import Section


class Chapter(NamedTuple):
    """One study on the page.

    Attributes:
        name: of the study; letters, digits and ``_``.
        section: what it shows.
        command: the command that makes it.
        runs: how many runs it needed, those that the store had included.
        seconds: how long it took, with later studies' runs of the same programs and
            without what the store already held.
        images: the content of its pictures' PNG files by their names; a picture
            without any was not drawn.
    """

    name: str
    section: Section
    command: str
    runs: int
    seconds: float
    images: Mapping[str, bytes]


class DataSource(NamedTuple):
    """A data set that was used.

    Attributes:
        name: as records have it.
        size: users, items and interactions in words.
        content_hash: hash of its content.
    """

    name: str
    size: str
    content_hash: str


class Page(NamedTuple):
    """All that the page says.

    Attributes:
        title: of the page.
        introduction: paragraphs before everything else.
        chapters: the studies, in order.
        differences: what differs from the paper and why, a paragraph each.
        data: the data sets.
        environment: versions, machine and moment, as pairs of a name and a value.
        command: the command that made all.
    """

    title: str
    introduction: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    differences: tuple[str, ...]
    data: tuple[DataSource, ...]
    environment: tuple[tuple[str, str], ...]
    command: str
