"""What each defense withstands as a picture; needs the extra ``plots``."""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from jaxfr.attacks import CLEAN
from jaxfr.records.chance import REFERENCES
from jaxfr.records.grid import common_levels
from jaxfr.records.headings import direction, heading
from jaxfr.records.names import part_title, value_title
from jaxfr.records.palette import NEUTRAL, PALETTE
from jaxfr.records.pictures import TEXT_WIDTH, folded, legend_below, picture, set_title
from jaxfr.records.selection import Scalar, without
from jaxfr.records.summary import Cell, WorstCase, worst_case

# Inches: a line of a label, what stands between two rows, and around all of them.
_LINE, _BETWEEN, _AROUND = 0.13, 0.12, 1.2
# Letters of a label for each inch of the picture.
_LETTERS = 4.5
_REST = "#8a8a8a"
_STYLES: Mapping[str, str] = dict(zip(REFERENCES, (":", "--"), strict=True))


def draw_worst_case(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    metric: str,
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws a row for each group of runs: clean, each attack, and the worst of them.

    On the left stands the defense, or whatever else the runs are grouped by, on the
    right the attack that is the worst. Bars are 95 % intervals.

    Args:
        cells: of :func:`jaxfr.records.summary.summarize`, by ``attack`` among others.
        group_by: the groupings.
        metric: what the cells are means of.
        title: of the picture.
        path: of the ``.png`` file; a PDF and an SVG stand beside it.
        width: in inches.
    """
    cases = worst_case(cells, group_by)
    others = [name for name in group_by if name != "attack"]
    letters = int(_LETTERS * width)
    names = [_label(others, case.group, letters) for case in cases]
    attacks = [folded(part_title(str(c.attack)), letters) for c in cases]
    lines = max(text.count("\n") for text in (*names, *attacks)) + 1
    height = len(cases) * (lines * _LINE + _BETWEEN) + _AROUND
    with picture(path, width, height) as figure:
        axes = figure.subplots()
        for row, case in enumerate(cases):
            _draw_row(axes, row, case, _attacked(cells, group_by, case))
        for name, at in common_levels(cells).items():
            look = {"color": _REST, "ls": _STYLES[name], "lw": 0.8, "zorder": 0}
            axes.axvline(at, label=heading(name), **look)
        axes.set(ylim=(len(cases) - 0.5, -0.5), xlim=(0, None))
        axes.set_yticks(range(len(cases)), names, parse_math=False)
        right = axes.secondary_yaxis("right")
        right.set_yticks(range(len(cases)), attacks, parse_math=False)
        right.tick_params(length=0)
        axes.set_xlabel(f"{heading(metric)}{direction(metric)}")
        axes.grid(axis="x")
        legend_below(figure)
        set_title(figure, title)


def _label(others: Sequence[str], group: Sequence[Scalar], letters: int) -> str:
    titles = map(value_title, others, group)
    return "\n".join(folded(one, letters) for one in titles)


def _attacked(
    cells: Sequence[Cell], group_by: Sequence[str], case: WorstCase
) -> list[float]:
    """The means under all attacks of a group."""
    place = list(group_by).index("attack")
    return [
        cell.mean
        for cell in cells
        if without(cell.group, place) == case.group
        and cell.runs
        and cell.group[place] != CLEAN
    ]


def _draw_row(axes: Any, row: int, case: WorstCase, attacked: list[float]) -> None:
    def label(text: str) -> str:
        return text if row == 0 else f"_{text}"

    looks = {"linestyle": "none", "markersize": 4}
    axes.plot(
        attacked,
        [row] * len(attacked),
        **looks,
        marker="|",
        color=_REST,
        label=label("an attack"),
    )
    for name, cell, colour, marker in (
        ("clean", case.clean, NEUTRAL, "o"),
        ("worst attack", case.cell, PALETTE[1], "D"),
    ):
        if cell is not None and cell.runs:
            half = 0.0 if math.isnan(cell.half_width) else cell.half_width
            told = label(name)
            axes.errorbar(
                cell.mean,
                row,
                xerr=half,
                **looks,
                marker=marker,
                color=colour,
                label=told,
            )
