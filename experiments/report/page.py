"""The page as one HTML document. What comes from outside is escaped here alone."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from experiments.report.content import DATA_HEADER, FOLDER, Chapter, Page
from experiments.studies.base import Finding, Table
from experiments.studies.writing import verdict

_FRAME = Template(FOLDER.joinpath("page.html").read_text("utf-8"))
# How the page looks: in light and in dark, on narrow screens, on paper.
STYLE = FOLDER.joinpath("page.css").read_text("utf-8")
# What stands behind the chapters: anchors and headings.
_DIFFERENCES = "differences", "What differs from the paper, and why"
_DATA = "data", "Data"
_ENVIRONMENT = "environment", "How this was made"
# The class and the sign of a finding; never told by colour alone.
_HOLDS = {True: ("holds", "✓"), False: ("fails", "✗"), None: ("unknown", "?")}
# What cells of numbers are made of.
_NUMERIC = frozenset("0123456789.,%±()/ +-−–")


def render(page: Page) -> str:
    """Writes the page as one HTML document that loads nothing from elsewhere."""
    caption = "The data sets, whose content the hash names."
    main = [
        _heading(2, "findings", "All findings"),
        _summary(page.chapters),
        _heading(2, "contents", "Contents"),
        _contents(page.chapters),
        *map(_chapter, page.chapters),
        _heading(2, *_DIFFERENCES),
        _paragraphs(page.differences),
        _heading(2, *_DATA),
        table(Table(caption, DATA_HEADER, page.data), "data-table"),
        _heading(2, *_ENVIRONMENT),
        _command(page.command),
        _facts(page.environment),
    ]
    return _FRAME.substitute(
        title=escape(page.title),
        style=STYLE,
        top=_heading(1, "top", page.title) + _paragraphs(page.introduction),
        main="\n".join(main),
    )


def table(content: Table, anchor: str) -> str:
    """A table that scrolls on its own on a narrow page, numbers on the right."""
    columns = zip(*content.rows, strict=True)
    kinds = [' class="number"' * all(map(_NUMERIC.issuperset, c)) for c in columns]
    kinds = kinds or [""] * len(content.header)
    head = _cells('<th scope="col"{}>{}</th>', kinds, content.header)
    body = [_cells("<td{}>{}</td>", kinds, row) for row in content.rows]
    label = escape(content.caption)
    start = f'<table id="{escape(anchor)}"><caption>{label}</caption>\n'
    return _scrolling(label, start, head, body)


def _cells(form: str, kinds: Sequence[str], texts: Sequence[str]) -> str:
    pairs = zip(kinds, map(escape, texts), strict=True)
    return "".join(form.format(kind, text) for kind, text in pairs)


def _scrolling(label: str, start: str, head: str, body: Iterable[str]) -> str:
    rows = "\n".join(f"<tr>{row}</tr>" for row in body)
    return (
        f'<div class="wide" role="region" aria-label="{label}" tabindex="0">'
        f"{start}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _summary(chapters: Sequence[Chapter]) -> str:
    """How many findings hold, and each of them with a link to its evidence."""
    found = [finding for chapter in chapters for finding in chapter.section.findings]
    if not found:
        return _paragraphs(["Nothing that the paper states was checked."])
    answers = [finding.holds for finding in found]
    text = (
        f"Of {len(found)} statements of the paper that were checked, "
        f"{answers.count(True)} hold, {answers.count(False)} do not, and of "
        f"{answers.count(None)} the runs cannot tell."
    )
    rows = (
        f"<td>{_badge(finding)}</td>"
        f'<td class="words">{_link(_finding_id(chapter, i), finding.statement)}</td>'
        # A title up to its colon, such as Table 3.
        f"<td>{_link(chapter.name, chapter.section.title.partition(':')[0])}</td>"
        for chapter in chapters
        for i, finding in enumerate(chapter.section.findings)
    )
    header = "", "the paper states", "shown by"
    head = _cells('<th scope="col"{}>{}</th>', [""] * 3, header)
    return "\n".join(
        [_paragraphs([text]), _scrolling("All findings", "<table>", head, rows)]
    )


def _contents(chapters: Sequence[Chapter]) -> str:
    links = [(chapter.name, chapter.section.title) for chapter in chapters]
    links += [_DIFFERENCES, _DATA, _ENVIRONMENT]
    items = "\n".join(f"<li>{_link(*target)}</li>" for target in links)
    return f'<nav aria-label="Contents">\n<ul>\n{items}\n</ul>\n</nav>'


def _chapter(chapter: Chapter) -> str:
    name, section = chapter.name, chapter.section
    parts = [_heading(2, name, section.title), _paragraphs(section.text)]
    if section.findings:
        items = "\n".join(
            f'<li id="{escape(_finding_id(chapter, i))}">{_badge(finding)} '
            f"{escape(finding.statement)}\n"
            f'<div class="evidence">{escape(finding.evidence)}</div></li>'
            for i, finding in enumerate(section.findings)
        )
        parts.append(_heading(3, f"{name}-findings", "Findings"))
        parts.append(f'<ul class="findings">\n{items}\n</ul>')
    parts += [
        _picture(
            chapter.images.get(picture.name), picture.caption, f"{name}-figure-{i}"
        )
        for i, picture in enumerate(section.pictures)
    ]
    parts += [table(t, f"{name}-table-{i}") for i, t in enumerate(section.tables)]
    runs = "no whole run" if chapter.runs == 0 else f"{chapter.runs:,} runs"
    effort = (
        f"Made from {runs}, in {chapter.seconds:,.1f} seconds (later studies' runs of "
        "the same programs included; runs that the store already held take none), by"
    )
    parts += [f'<p class="soft">{escape(effort)}</p>', _command(chapter.command)]
    return f"<section>\n{chr(10).join(parts)}\n</section>"


def _finding_id(chapter: Chapter, index: int) -> str:
    return f"{chapter.name}-finding-{index}"


# --- Pieces ---


def _paragraphs(texts: Iterable[str]) -> str:
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)


def _heading(level: int, anchor: str, text: str) -> str:
    return f'<h{level} id="{escape(anchor)}">{escape(text)}</h{level}>'


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{escape(anchor)}">{escape(text)}</a>'


def _command(command: str) -> str:
    return f"<pre><code>{escape(command)}</code></pre>"


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    rows = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<dl>\n{chr(10).join(rows)}\n</dl>"


def _badge(finding: Finding) -> str:
    """Whether a finding holds, as a sign with words."""
    kind, sign = _HOLDS[finding.holds]
    return f'<span class="badge {kind}">{sign} {verdict(finding)}</span>'


def _picture(image: bytes | None, caption: str, anchor: str) -> str:
    """A picture inside the page; None for one that was not drawn."""
    text, inside = escape(caption), "<p>not drawn: needs matplotlib</p>"
    if image is not None:
        content = base64.b64encode(image).decode("ascii")
        inside = f'<img alt="{text}" src="data:image/png;base64,{content}">'
    return (
        f'<figure id="{escape(anchor)}">\n{inside}\n'
        f"<figcaption>{text}</figcaption>\n</figure>"
    )
