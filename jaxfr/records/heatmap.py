"""A summary as a picture of coloured cells; needs the extra ``plots``."""

import math
import pathlib
from collections.abc import Sequence
from typing import Any

from jaxfr.errors import InvalidInputError
from jaxfr.records.grid import DIVERGED, Grid, arrange, explanation
from jaxfr.records.headings import direction, heading
from jaxfr.records.pictures import SMALL, TEXT_WIDTH, WIDTHS, folded, picture, set_title
from jaxfr.records.summary import Cell

COLOURS = "viridis"

# Inches: a cell, at least and at most as wide; a letter and a line of a label; what
# stands beside labels and cells, and above and below them.
_LEAST_WIDTH, _MOST_WIDTH, _HEIGHT = 0.42, 0.85, 0.29
_LETTER, _LINE = 0.058, 0.125
_BESIDE, _AROUND = 0.35, 1.5
_BAR = 0.1
_TALLEST = 200
# Between the worst case and the rest, in cells.
_GAP = 0.15
# How much of a picture's width the labels of rows may take; of a line the letters of a
# row's label that have room in any, and of a column's label at most.
_LABELS, _LEAST_LETTERS, _LONGEST = 0.3, 22, 12


def draw_heatmap(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    columns: str,
    metric: str,
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws the mean of each cell, and below it half the width of its interval.

    A cell without a run, or whose runs all lack the metric, is hatched; for ``columns``
    see :func:`arrange`. Columns that have no room side by side go on below, and few
    make a picture less wide. More cells than a picture can hold are refused.
    """
    grid = arrange(cells, group_by, columns)
    rows = _row_labels(grid, max(int(_LABELS * width / _LETTER), _LEAST_LETTERS))
    beside = _longest_line(rows) * _LETTER + _BESIDE
    across = max(int((width - beside) / _LEAST_WIDTH - _GAP), 1)
    starts = range(0, len(grid.columns), across)
    across = min(across, len(grid.columns))
    width = min(width, max(beside + (across + _GAP) * _MOST_WIDTH, WIDTHS["column"]))
    names = [folded(name, _LONGEST) for name in grid.columns]
    turned = _longest_line(names) * _LETTER > (width - beside) / (across + _GAP)
    lines = max(label.count("\n") for label in rows) + 1
    high = len(rows) * max(_HEIGHT, _LINE * lines)
    height = (high + _LONGEST * _LETTER) * len(starts) + _AROUND
    if height > _TALLEST:
        raise InvalidInputError(
            f"{path}: {len(grid.cells)} rows and {len(grid.columns)} columns are "
            "too many for a picture; group by less"
        )
    known = [cell.mean for cell in cells if cell.runs]
    higher_is_better = all(cell.higher_is_better for cell in cells)
    with picture(path, width, height) as figure:
        scale = _colour_scale(max(known, default=0.0), higher_is_better)
        blocks = figure.subplots(len(starts), squeeze=False)[:, 0]
        for axes, start in zip(blocks, starts, strict=True):
            _draw_block(axes, grid, slice(start, start + across), scale)
            axes.set_xlim(0, across + _GAP * grid.set_apart)
            axes.set_xticks(
                axes.get_xticks(),
                names[start : start + across],
                parse_math=False,
                rotation=35 if turned else 0,
                ha="right" if turned else "center",
                rotation_mode="anchor",
            )
            axes.set_yticks(
                [top + 0.5 for top in range(len(rows))], rows, parse_math=False
            )
            if len(grid.row_names) == 1:
                # Labels of several groupings name them themselves.
                axes.set_ylabel(grid.row_names[0])
        blocks[-1].set_xlabel(columns)
        figure.colorbar(
            scale,
            ax=list(blocks),
            location="bottom",
            fraction=2 * _BAR / height,
            pad=_BAR / height,
            aspect=(width - beside) / _BAR,
            label=f"{heading(metric)}{direction(metric)}",
        )
        set_title(figure, title, explanation(cells, grid))
        # All but the cells is as high as its text; they get what they need beside it.
        figure.draw_without_rendering()
        found = blocks[0].get_window_extent().height / figure.dpi
        figure.set_figheight(height + len(blocks) * (high - found))


def text_colour(rgba: Sequence[float]) -> str:
    """Black or white, whichever is easier to read on a colour.

    By the contrast (L1 + 0.05) / (L2 + 0.05) of WCAG 2, where L1 > L2 are the relative
    luminances of the two colours: both give the same contrast where (L + 0.05)^2 =
    0.05 * 1.05. The colour is in sRGB, 0 to 1; a fourth number is ignored.
    """
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in rgba[:3]
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "white"


def _draw_block(axes: Any, grid: Grid, columns: slice, scale: Any) -> None:
    """Some columns of a grid; the one that is set apart after a gap."""
    shown = range(*columns.indices(len(grid.columns)))
    lefts = [float(column - shown.start) for column in shown]
    if grid.set_apart and shown[-1] == len(grid.columns) - 1:
        lefts[-1] += _GAP
    for top, line in enumerate(grid.cells):
        for left, cell in zip(lefts, line[columns], strict=True):
            _draw_cell(axes, left, top, cell, scale)
    axes.set(ylim=(len(grid.cells), 0), xticks=[left + 0.5 for left in lefts])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_cell(axes: Any, left: float, top: int, cell: Cell | None, scale: Any) -> None:
    from matplotlib.patches import Rectangle

    if cell is None or cell.runs == 0:
        axes.add_patch(
            Rectangle((left, top), 1, 1, fc="0.93", ec="0.75", hatch="///", lw=0)
        )
        axes.add_patch(Rectangle((left, top), 1, 1, fill=False, ec="white", lw=1))
        return
    colour = scale.to_rgba(cell.mean)
    axes.add_patch(Rectangle((left, top), 1, 1, fc=colour, ec="white", lw=1))
    known = not math.isnan(cell.half_width)
    form = {"ha": "center", "va": "center", "color": text_colour(colour)}
    mean = f"{cell.mean:.3f}{DIVERGED * (cell.diverged > 0)}"
    axes.text(left + 0.5, top + (0.32 if known else 0.5), mean, fontsize=SMALL, **form)
    if known:
        half = f"± {cell.half_width:.3f}"
        axes.text(left + 0.5, top + 0.7, half, fontsize=SMALL, **form)


def _colour_scale(highest: float, higher_is_better: bool) -> Any:
    """Colours from 0 to the highest mean, the brightest for the best."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = COLOURS if higher_is_better else f"{COLOURS}_r"
    return ScalarMappable(Normalize(0, highest if highest > 0 else 1), colours)


def _longest_line(labels: Sequence[str]) -> int:
    return max(len(line) for label in labels for line in label.split("\n"))


def _row_labels(grid: Grid, letters: int) -> list[str]:
    """Each row's value, or name=value for each of several, in lines."""
    if len(grid.row_names) < 2:
        return [folded("".join(row), letters) for row in grid.rows]
    told = [
        ", ".join(f"{n}={value}" for n, value in zip(grid.row_names, row, strict=True))
        for row in grid.rows
    ]
    return [folded(label, letters) for label in told]
