"""A summary as a table of a paper: LaTeX, Markdown, best and worst marked, or text."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from jaxfr.records.grid import (
    BEST,
    DIVERGED,
    WORST,
    arrange,
    comparable,
    explanation,
    marks,
)
from jaxfr.records.headings import OF_THIRDS, direction, heading, is_of_third
from jaxfr.records.markdown import escape, marked_table
from jaxfr.records.names import value_title
from jaxfr.records.selection import Scalar
from jaxfr.records.summary import Cell, worst_case
from jaxfr.terminal import fit, paragraph

_MARKED = f"; {BEST} bold, {WORST} underlined"
_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{
        "\\": "\\textbackslash{}",
        "~": "\\textasciitilde{}",
        "^": "\\textasciicircum{}",
    },
    **{"±": "$\\pm$", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}"},
}


class Row(NamedTuple):
    """A row of a table: its labels, and its numbers with what marks each."""

    labels: tuple[str, ...]
    numbers: list[tuple[str, str]]


class PaperTable(NamedTuple):
    """A table of texts; the rows of a block are compared with each other."""

    header: list[str]  # of the labels, then of the numbers
    blocks: list[list[Row]]
    told: str  # what the numbers are


def paper_table(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    columns: str,
    compare: str,
    metric: str,
    called: Callable[[str, Scalar], str] = value_title,
) -> PaperTable:
    """Puts means with their 95 % intervals into rows and columns, as a heatmap does.

    Best and worst are marked among the values of ``compare`` in each group of the
    others, also in the column of worst cases, there of those of most attacks.
    ``called`` says what values are called.
    """
    grid, names = arrange(cells, group_by, columns, called), list(group_by)
    own = marks([cell.group for cell in cells], cells, names.index(compare))
    worst: dict[tuple[Scalar, ...], str] = {}
    if grid.set_apart and compare != "attack":
        names.remove("attack")
        cases = comparable(worst_case(cells, group_by), names.index(compare))
        groups, found = [case.group for case in cases], [case.cell for case in cases]
        worst = marks(groups, found, names.index(compare))

    def mark(cell: Cell | None, of_worst: bool) -> str:
        if cell is None:
            return ""
        if not of_worst:
            return own.get(cell.group, "")
        pairs = zip(group_by, cell.group, strict=True)
        return worst.get(tuple(value for name, value in pairs if name != "attack"), "")

    last = len(grid.columns) - 1
    rows = [
        Row(
            labels,
            [
                (_number(cell), mark(cell, grid.set_apart and place == last))
                for place, cell in enumerate(line)
            ],
        )
        for labels, line in zip(grid.rows, grid.cells, strict=True)
    ]

    blocks: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        named = zip(grid.row_names, row.labels, strict=True)
        others = tuple(value for name, value in named if name != compare)
        blocks.setdefault(others, []).append(row)
    metric_told = f"{heading(metric)}{direction(metric)}"
    thirds = OF_THIRDS * is_of_third(metric)
    told = [metric_told, explanation(cells, grid), thirds]
    header = [*grid.row_names, *grid.columns]
    return PaperTable(header, list(blocks.values()), "; ".join(filter(None, told)))


def latex(table: PaperTable) -> str:
    r"""The table as LaTeX, for an ``\input`` inside a ``table``; needs booktabs."""
    labels = len(table.blocks[0][0].labels)
    rows = [
        "\n".join(_latex_row(_cells(row, _escape, _LATEX_MARKS)) for row in block)
        for block in table.blocks
    ]
    between = "\n\\midrule\n" if any(len(one) > 1 for one in table.blocks) else "\n"
    return "\n".join(
        [
            f"% {table.told}{_MARKED}",
            "% \\usepackage{booktabs}",
            f"\\begin{{tabular}}{{{'l' * labels}{'r' * (len(table.header) - labels)}}}",
            "\\toprule",
            _latex_row(map(_escape, _headings(table))),
            "\\midrule",
            between.join(rows),
            "\\bottomrule",
            "\\end{tabular}",
        ]
    )


def markdown(table: PaperTable) -> str:
    """The table as Markdown, with what its numbers are below."""
    rows = [
        _cells(row, escape, _MARKDOWN_MARKS) for block in table.blocks for row in block
    ]
    shown = marked_table([escape(name) for name in _headings(table)], *rows)
    return f"{shown}\n\n{escape(table.told + _MARKED)}"


def plain(table: PaperTable) -> str:
    """The table as text, no wider than the screen, with what its numbers are below."""
    rows = [
        [*row.labels, *(number for number, _ in row.numbers)]
        for block in table.blocks
        for row in block
    ]
    shown = fit([table.header, *rows], len(table.blocks[0][0].labels))
    return f"{shown}\n\n{paragraph(table.told)}"


def _headings(table: PaperTable) -> list[str]:
    """The header with the names of settings as words."""
    labels = len(table.blocks[0][0].labels)
    names = [heading(name) for name in table.header[:labels]]
    words = [name[:1].upper() + name[1:] for name in names]
    return [*words, *table.header[labels:]]


def _cells(
    row: Row, escaped: Callable[[str], str], marked: Mapping[str, str]
) -> list[str]:
    numbers = [marked.get(mark, "{}").format(escaped(n)) for n, mark in row.numbers]
    return [*map(escaped, row.labels), *numbers]


def _number(cell: Cell | None) -> str:
    if cell is None or not cell.runs:
        return "-"
    known = not math.isnan(cell.half_width)
    half = f" ± {cell.half_width:.3f}" if known else ""
    return f"{cell.mean:.3f}{DIVERGED * (cell.diverged > 0)}{half}"


def _latex_row(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _escape(text: str) -> str:
    """Text whose characters mean nothing to LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(text.split()))


_LATEX_MARKS = {BEST: "\\textbf{{{}}}", WORST: "\\underline{{{}}}"}
_MARKDOWN_MARKS = {BEST: "**{}**", WORST: "<u>{}</u>"}
