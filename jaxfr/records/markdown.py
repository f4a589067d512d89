"""Text, tables and commands in Markdown."""

from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    r"""Text whose characters mean nothing to Markdown.

    >>> print(escape("clip_by_norm"))
    clip\_by\_norm
    """
    for character in "\\*_|<>[]`":
        text = text.replace(character, f"\\{character}")
    return text


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, as many in each row as in the header, each in one line."""
    return marked_table(
        *([escape(" ".join(cell.split())) for cell in row] for row in (header, *rows))
    )


def marked_table(header: Sequence[str], *rows: Sequence[str]) -> str:
    """A table of what is Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def command(text: str) -> str:
    """A command of a shell, as it is typed."""
    return f"```bash\n{text}\n```"
