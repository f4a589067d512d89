"""A summary as a picture of coloured cells; needs the extra ``plots``."""

import math
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.records.chance import REFERENCES
from jaxfr.records.pictures import new_figure, save_figure, set_title
from jaxfr.records.selection import Scalar, as_text, in_order
from jaxfr.records.summary import Cell, worst_case
from jaxfr.records.tables import direction, heading
from jaxfr.terminal import printable

WORST_CASE = "worst case"
COLOURS = "viridis"

# Inches, but for the gap, which is in cells.
_CELL_WIDTH, _CELL_HEIGHT = 0.95, 0.6
_LETTER = 0.085
_LARGEST = 400
_GAP = 0.15
_LONGEST_LEVEL_LABEL = 10
_LONGEST_LINE = 26
# Of a mean over runs of which some diverged.
_MARK = "*"


class Grid(NamedTuple):
    """Cells in rows and columns, None where there is no run.

    The last column may be set apart from the others.
    """

    row_labels: list[str]
    column_labels: list[str]
    cells: list[list[Cell | None]]
    set_apart: bool


def arrange(cells: Sequence[Cell], group_by: Sequence[str], columns: str) -> Grid:
    """Puts the cells of a summary, of one metric, into rows and columns.

    The grouping ``columns`` forms the columns, and every combination of the others is a
    row. If it is ``attack``, and there is any, a last column that stands apart shows
    the worst case of each row.
    """
    place = list(group_by).index(columns)
    others = [name for name in group_by if name != columns]

    def row_of(cell: Cell) -> tuple[Scalar, ...]:
        return cell.group[:place] + cell.group[place + 1 :]

    rows = list(dict.fromkeys(row_of(cell) for cell in cells))
    values = in_order(cell.group[place] for cell in cells)
    by_place = {(row_of(cell), cell.group[place]): cell for cell in cells}
    grid = [[by_place.get((row, value)) for value in values] for row in rows]
    labels = [_column_label(columns, value) for value in values]
    worst = {}
    if columns == "attack":
        worst = {case.group: case.cell for case in worst_case(cells, group_by)}
    if worst:
        labels.append(WORST_CASE)
        grid = [[*line, worst.get(row)] for row, line in zip(rows, grid, strict=True)]
    return Grid([_row_label(others, row) for row in rows], labels, grid, bool(worst))


def draw_heatmap(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    columns: str,
    metric: str,
    title: str,
    path: pathlib.Path,
) -> None:
    """Draws the mean of each cell, and below it half the width of its interval.

    A cell without a run, or whose runs all lack the metric, is hatched; for ``columns``
    see :func:`arrange`. More cells than a picture can hold are refused.
    """
    grid = arrange(cells, group_by, columns)
    width, height = _figure_size(grid)
    if max(width, height) > _LARGEST:
        raise InvalidInputError(
            f"{path}: {len(grid.cells)} rows and {len(grid.column_labels)} columns are "
            "too many for a picture; group by less"
        )
    figure = new_figure(width, height)
    axes = figure.subplots()
    known = [cell.mean for cell in cells if cell.runs]
    higher_is_better = all(cell.higher_is_better for cell in cells)
    scale = _colour_scale(max(known, default=0.0), higher_is_better)
    lefts = [float(index) for index in range(len(grid.column_labels))]
    if grid.set_apart:
        lefts[-1] += _GAP
    for top, line in enumerate(grid.cells):
        for left, cell in zip(lefts, line, strict=True):
            _draw_cell(axes, left, top, cell, scale)
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(len(grid.cells), 0), xlabel=columns)
    if len(group_by) == 2:
        # Labels of more groupings name them themselves.
        axes.set_ylabel(next(name for name in group_by if name != columns))
    axes.set_title(_explanation(cells), fontsize=8, color="0.4")
    level = max(map(len, grid.column_labels)) <= _LONGEST_LEVEL_LABEL
    axes.set_xticks(
        [left + 0.5 for left in lefts],
        grid.column_labels,
        parse_math=False,
        rotation=0 if level else 30,
        ha="center" if level else "right",
        rotation_mode="anchor",
    )
    axes.set_yticks(
        [top + 0.5 for top in range(len(grid.cells))], grid.row_labels, parse_math=False
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(scale, ax=axes, label=f"{heading(metric)}{direction(metric)}")
    set_title(figure, title)
    save_figure(figure, path)


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
    mean = f"{cell.mean:.3f}{_MARK * (cell.diverged > 0)}"
    axes.text(left + 0.5, top + (0.4 if known else 0.5), mean, **form)
    if known:
        half = f"± {cell.half_width:.3f}"
        axes.text(left + 0.5, top + 0.73, half, fontsize=7, **form)


def _explanation(cells: Sequence[Cell]) -> str:
    parts = []
    if any(cell.runs > 1 for cell in cells):
        parts.append("mean ± half of its 95 % interval")
    if any(cell.diverged for cell in cells):
        parts.append(f"{_MARK} some runs diverged")
    for name in REFERENCES:
        levels = {f"{getattr(cell, name):.3f}" for cell in cells if cell.runs}
        if len(levels) == 1 and "nan" not in levels:
            parts.append(f"{heading(name)} {levels.pop()}")
    return "; ".join(parts)


def _colour_scale(highest: float, higher_is_better: bool) -> Any:
    """Colours from 0 to the highest mean, the brightest for the best."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = COLOURS if higher_is_better else f"{COLOURS}_r"
    return ScalarMappable(Normalize(0, highest if highest > 0 else 1), colours)


def _figure_size(grid: Grid) -> tuple[float, float]:
    across = len(grid.column_labels) * _CELL_WIDTH
    down = len(grid.cells) * _CELL_HEIGHT
    lines = [line for label in grid.row_labels for line in label.split("\n")]
    beside = max(map(len, lines)) * _LETTER + 1.6
    below = max(map(len, grid.column_labels)) * _LETTER / 2 + 1.2
    return max(across + beside, 4), max(down + below, 2.4)


def _column_label(name: str, value: Scalar) -> str:
    if name == "attack":
        return "clean" if value == CLEAN else printable(as_text(value))
    return printable(as_text(value))


def _row_label(names: Sequence[str], row: tuple[Scalar, ...]) -> str:
    """The row's value, or name=value for each of several, in lines."""
    if len(names) < 2:
        return "".join(printable(as_text(value)) for value in row)
    lines = [""]
    for name, value in zip(names, row, strict=True):
        part = f"{name}={printable(as_text(value))}"
        if lines[-1] and len(lines[-1]) + len(part) + 2 > _LONGEST_LINE:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] += f", {part}" if lines[-1] else part
    return "\n".join(lines)
