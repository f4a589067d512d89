"""Pieces of HTML. What comes from outside is escaped here and nowhere else."""

import base64
import html
from collections.abc import Iterable, Sequence

from experiments.studies.study import Finding, Table
from experiments.studies.writing import verdict

# The class and the sign of a finding; never told by colour alone.
_HOLDS = {True: ("holds", "✓"), False: ("fails", "✗"), None: ("unknown", "?")}


# What cells of numbers are made of.
_NUMERIC = frozenset("0123456789.,%±()/ +-−–")


def paragraphs(texts: Iterable[str]) -> str:
    """Each text as a paragraph."""
    return "\n".join(f"<p>{html.escape(text)}</p>" for text in texts)


def heading(level: int, text: str, anchor: str) -> str:
    """A heading that can be linked to.

    Args:
        level: 1 for the page's own, and so on.
        text: what it says.
        anchor: its id on the page.
    """
    return f'<h{level} id="{html.escape(anchor)}">{html.escape(text)}</h{level}>'


def link(anchor: str, text: str) -> str:
    """A link within the page."""
    return f'<a href="#{html.escape(anchor)}">{html.escape(text)}</a>'


def command_line(command: str) -> str:
    """A command, as it is to be typed."""
    return f"<pre><code>{html.escape(command)}</code></pre>"


def table(content: Table, anchor: str) -> str:
    """A table that scrolls on its own where the page is narrow.

    Args:
        content: its cells; columns of nothing but numbers stand on the right.
        anchor: its id on the page.
    """
    caption = html.escape(content.caption)
    columns = zip(*content.rows, strict=True)
    kinds = [' class="number"' * all(map(_is_number, cells)) for cells in columns]
    kinds = kinds or [""] * len(content.header)
    head = "".join(
        f'<th scope="col"{kind}>{html.escape(name)}</th>'
        for kind, name in zip(kinds, content.header, strict=True)
    )
    lines = (
        "".join(
            f"<td{kind}>{html.escape(text)}</td>"
            for kind, text in zip(kinds, row, strict=True)
        )
        for row in content.rows
    )
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="wide" role="region" aria-label="{caption}" tabindex="0">'
        f'<table id="{html.escape(anchor)}"><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, one below the other."""
    rows = "\n".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in pairs
    )
    return f"<dl>\n{rows}\n</dl>"


def picture(image: bytes | None, caption: str, anchor: str) -> str:
    """A picture inside the page.

    Args:
        image: content of a PNG file; None for one that was not drawn.
        caption: what it shows.
        anchor: its id on the page.
    """
    text, inside = html.escape(caption), "<p>not drawn: needs matplotlib</p>"
    if image is not None:
        content = base64.b64encode(image).decode("ascii")
        inside = f'<img alt="{text}" src="data:image/png;base64,{content}">'
    return (
        f'<figure id="{html.escape(anchor)}">\n{inside}\n'
        f"<figcaption>{text}</figcaption>\n</figure>"
    )


def finding(content: Finding, anchor: str) -> str:
    """A finding with its evidence, as an item of a list."""
    return (
        f'<li id="{html.escape(anchor)}">{badge(content)} '
        f"{html.escape(content.statement)}\n"
        f'<div class="evidence">{html.escape(content.evidence)}</div></li>'
    )


def badge(content: Finding) -> str:
    """Whether a finding holds, as a sign with words."""
    kind, sign = _HOLDS[content.holds]
    return f'<span class="badge {kind}">{sign} {verdict(content)}</span>'


def _is_number(text: str) -> bool:
    return _NUMERIC.issuperset(text)
