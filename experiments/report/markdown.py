"""The same page as Markdown, for a repository; its pictures stay files of their own."""

from experiments.report.content import DATA_HEADER, Chapter, Page
from experiments.studies.base import Finding
from experiments.studies.writing import verdict
from jaxfr.records import markdown


def render_markdown(page: Page) -> str:
    """Writes the page as Markdown; a picture is a link to ``<chapter>/<picture>``."""
    facts = [
        f"- {markdown.escape(name)}: {markdown.escape(value)}"
        for name, value in page.environment
    ]
    parts = [
        f"# {markdown.escape(page.title)}",
        *map(markdown.escape, page.introduction),
        markdown.command(page.command),
        *(part for chapter in page.chapters for part in _chapter(chapter)),
        "## What differs from the paper, and why",
        "\n".join(f"- {markdown.escape(text)}" for text in page.differences),
        "## Data",
        markdown.table(DATA_HEADER, page.data),
        "## How this was made",
        "\n".join(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _chapter(chapter: Chapter) -> list[str]:
    section = chapter.section
    parts = [
        f"## {markdown.escape(section.title)}",
        *map(markdown.escape, section.text),
    ]
    if section.findings:
        parts.append("\n".join(map(_finding, section.findings)))
    for picture in section.pictures:
        caption = markdown.escape(picture.caption)
        if picture.name in chapter.images:
            parts.append(f"![{caption}]({chapter.name}/{picture.name})")
        parts.append(f"*{caption}*")
    for shown in section.tables:
        parts += [
            markdown.escape(shown.caption),
            markdown.table(shown.header, shown.rows),
        ]
    return [*parts, markdown.command(chapter.command)]


def _finding(finding: Finding) -> str:
    statement, evidence = (
        markdown.escape(finding.statement),
        markdown.escape(finding.evidence),
    )
    return f"- **{verdict(finding)}**: {statement}. ({evidence})"
