"""A page of invented content, and a reader of what is in one."""

import html.parser
from typing import NamedTuple

from experiments.report.content import Chapter, DataSource, Page
from experiments.studies.base import Finding, Picture, Section, Table

# Elements without an end.
VOID = frozenset({"meta", "img", "br", "hr", "link", "input"})
IMAGE = b"\x89PNG not really"
EVIL = "<script>alert('&')</script> \"quoted\""


def section(title: str = "Table 9: something") -> Section:
    return Section(
        title=title,
        text=("First & foremost.", EVIL),
        tables=(Table("Cells <all>", ("name", EVIL), (("a", "−1.5"), (EVIL, "b"))),),
        pictures=(
            Picture("drawn.png", EVIL, lambda path, width: None),
            Picture("missing.png", "not there", lambda path, width: None),
        ),
        findings=(
            Finding("Water is wet.", True, "5 of 5"),
            Finding(f"Fire is cold {EVIL}", False, EVIL),
            Finding("There is life.", None, "nobody looked"),
        ),
    )


def chapter(name: str, shown: Section, runs: int = 3) -> Chapter:
    command = f"python -m experiments.{name} --dataset='a b'"
    return Chapter(name, shown, command, runs, 12.34, {"drawn.png": IMAGE})


def page(*chapters: Chapter) -> Page:
    return Page(
        title=f"All of it {EVIL}",
        introduction=("To begin with.",),
        chapters=chapters,
        differences=("They did & we did not.",),
        data=(DataSource("mine", "2 users", "abc123"),),
        environment=(("python", "3.99"), ("processor", EVIL)),
        command="python -m experiments.reproduce",
    )


class Element(NamedTuple):
    """An element: its tag, its attributes, and the tags around it."""

    tag: str
    attributes: dict[str, str | None]
    around: tuple[str, ...]


class Reader(html.parser.HTMLParser):
    """Reads a document, and refuses one whose tags do not nest."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append(Element(tag, dict(attrs), tuple(self._open)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> ends nothing"
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.comments.append(data)

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)
