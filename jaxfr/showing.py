"""How objects show themselves in a notebook: short texts, and the same as HTML."""

import html
from collections.abc import Sequence

from jaxfr.terminal import printable


def html_text(text: str) -> str:
    """A paragraph."""
    return f"<p>{html.escape(printable(text))}</p>"


def html_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, the headings first."""
    tags = ["th", *["td"] * (len(rows) - 1)]
    lines = [
        "".join(f"<{tag}>{html.escape(printable(text))}</{tag}>" for text in row)
        for tag, row in zip(tags, rows, strict=True)
    ]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
