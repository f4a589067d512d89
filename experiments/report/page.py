"""The whole page."""

import html
from string import Template

from experiments.report import elements
from experiments.report.chapter import Chapter, Page
from experiments.report.style import STYLE
from experiments.studies.study import Table

_FRAME = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
$top
</header>
<main>
$main
</main>
</body>
</html>
"""
)
_END = (
    ("differences", "What differs from the paper, and why"),
    ("data", "Data"),
    ("environment", "How this was made"),
)


def render(page: Page) -> str:
    """Writes the page as one HTML document that loads nothing from elsewhere.

    Args:
        page: what it says; no two chapters of one name.
    """
    differences, data, environment = _END
    main = [
        elements.heading(2, "All findings", "findings"),
        _summary(page.chapters),
        elements.heading(2, "Contents", "contents"),
        _contents(page.chapters),
        *map(_chapter, page.chapters),
        elements.heading(2, differences[1], differences[0]),
        elements.paragraphs(page.differences),
        elements.heading(2, data[1], data[0]),
        _data(page),
        elements.heading(2, environment[1], environment[0]),
        elements.command_line(page.command),
        elements.facts(page.environment),
    ]
    top = elements.heading(1, page.title, "top") + elements.paragraphs(
        page.introduction
    )
    return _FRAME.substitute(
        title=html.escape(page.title), style=STYLE, top=top, main="\n".join(main)
    )


def _summary(chapters: tuple[Chapter, ...]) -> str:
    """How many findings hold, and each of them with a link to its evidence."""
    found = [finding for chapter in chapters for finding in chapter.section.findings]
    if not found:
        return elements.paragraphs(["Nothing that the paper states was checked."])
    counts = [
        sum(finding.holds is answer for finding in found)
        for answer in (True, False, None)
    ]
    text = (
        f"Of {len(found)} statements of the paper that were checked, {counts[0]} hold, "
        f"{counts[1]} do not, and of {counts[2]} the runs cannot tell."
    )
    rows = "\n".join(
        f"<tr><td>{elements.badge(finding)}</td>"
        f'<td class="words">{elements.link(_finding_id(chapter, i), finding.statement)}'
        f"</td><td>{elements.link(chapter.name, _short(chapter))}</td></tr>"
        for chapter in chapters
        for i, finding in enumerate(chapter.section.findings)
    )
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("", "the paper states", "shown by")
    )
    return (
        f"{elements.paragraphs([text])}\n"
        '<div class="wide" role="region" aria-label="All findings" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _contents(chapters: tuple[Chapter, ...]) -> str:
    links = [(chapter.name, chapter.section.title) for chapter in chapters]
    items = "\n".join(
        f"<li>{elements.link(anchor, text)}</li>" for anchor, text in (*links, *_END)
    )
    return f'<nav aria-label="Contents">\n<ul>\n{items}\n</ul>\n</nav>'


def _chapter(chapter: Chapter) -> str:
    name, section = chapter.name, chapter.section
    parts = [
        elements.heading(2, section.title, name),
        elements.paragraphs(section.text),
    ]
    if section.findings:
        items = "\n".join(
            elements.finding(finding, _finding_id(chapter, i))
            for i, finding in enumerate(section.findings)
        )
        parts.append(elements.heading(3, "Findings", f"{name}-findings"))
        parts.append(f'<ul class="findings">\n{items}\n</ul>')
    parts += [
        elements.picture(
            chapter.images.get(picture.name), picture.caption, f"{name}-figure-{i}"
        )
        for i, picture in enumerate(section.pictures)
    ]
    parts += [
        elements.table(table, f"{name}-table-{i}")
        for i, table in enumerate(section.tables)
    ]
    parts.append(f'<p class="soft">{html.escape(_effort(chapter))}</p>')
    parts.append(elements.command_line(chapter.command))
    return f"<section>\n{chr(10).join(parts)}\n</section>"


def _effort(chapter: Chapter) -> str:
    runs = "no whole run" if chapter.runs == 0 else f"{chapter.runs:,} runs"
    return (
        f"Made from {runs}, in {chapter.seconds:,.1f} seconds (later studies' runs of "
        "the same programs included; runs that the store already held take none), by"
    )


def _data(page: Page) -> str:
    header = ("data set", "size", "hash of its content")
    caption = "The data sets, whose content the hash names."
    return elements.table(Table(caption, header, page.data), "data-table")


def _finding_id(chapter: Chapter, index: int) -> str:
    return f"{chapter.name}-finding-{index}"


def _short(chapter: Chapter) -> str:
    """A title up to its colon, such as ``Table 3``."""
    return chapter.section.title.partition(":")[0]
