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
    return "\n".join(map(_line, [header, ["---"] * len(header), *rows]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(escape(' '.join(cell.split())) for cell in cells)} |"


def command(text: str) -> str:
    """A command of a shell, as it is typed."""
    return f"```bash\n{text}\n```"
