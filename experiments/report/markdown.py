"""The same page as Markdown, for a repository; its pictures stay files of their own."""

from collections.abc import Sequence

from experiments.report.content import DATA_HEADER, Chapter, Page
from experiments.studies.base import Finding, Table
from experiments.studies.writing import verdict


def render_markdown(page: Page) -> str:
    """Writes the page as Markdown; a picture is a link to ``<chapter>/<picture>``."""
    facts = [f"- {_text(name)}: {_text(value)}" for name, value in page.environment]
    parts = [
        f"# {_text(page.title)}",
        *map(_text, page.introduction),
        _code(page.command),
        *(part for chapter in page.chapters for part in _chapter(chapter)),
        "## What differs from the paper, and why",
        "\n".join(f"- {_text(text)}" for text in page.differences),
        "## Data",
        _table(Table("", DATA_HEADER, page.data)),
        "## How this was made",
        "\n".join(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _chapter(chapter: Chapter) -> list[str]:
    section = chapter.section
    parts = [f"## {_text(section.title)}", *map(_text, section.text)]
    if section.findings:
        parts.append("\n".join(map(_finding, section.findings)))
    for picture in section.pictures:
        caption = _text(picture.caption)
        if picture.name in chapter.images:
            parts.append(f"![{caption}]({chapter.name}/{picture.name})")
        parts.append(f"*{caption}*")
    for table in section.tables:
        parts += [_text(table.caption), _table(table)]
    return [*parts, _code(chapter.command)]


def _finding(finding: Finding) -> str:
    statement, evidence = _text(finding.statement), _text(finding.evidence)
    return f"- **{verdict(finding)}**: {statement}. ({evidence})"


def _table(table: Table) -> str:
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    return "\n".join(map(_line, lines))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _code(command: str) -> str:
    return f"```bash\n{command}\n```"


def _text(text: str) -> str:
    """Text whose characters mean nothing to Markdown."""
    for character in "\\*_|<>[]":
        text = text.replace(character, f"\\{character}")
    return text
