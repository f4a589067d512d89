"""A metric along a setting of numbers, as lines; needs the extra ``plots``."""

import math
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.records.grid import common_levels
from jaxfr.records.headings import direction, heading
from jaxfr.records.names import value_title
from jaxfr.records.palette import looks
from jaxfr.records.pictures import (
    TEXT_WIDTH,
    label_outer,
    legend_below,
    panels_of,
    picture,
    rows_and_columns,
    set_title,
)
from jaxfr.records.plots import draw_level
from jaxfr.records.selection import in_order
from jaxfr.records.summary import Cell

FEWEST = 3
"""Values of a setting that make a line worth a picture."""

_RATIO = "malicious_ratio"
# Inches that a panel is high, and that it is wide at least.
_HEIGHT, _LEAST_WIDTH = 1.9, 2.2
# Positive values of which the last is so many times the first stand on a log scale.
_WIDE = 20.0
# How much of the axis is between two lines that would cover each other.
_DODGE = 0.01
_BARS = "bars: 95 % interval of the mean over seeds"


class Point(NamedTuple):
    """A mean at a place along the setting."""

    at: float
    cell: Cell


def along_by_default(cells: Sequence[Cell], group_by: Sequence[str]) -> str | None:
    """The grouping of numbers with most values, if there are :data:`FEWEST` or more."""
    counts = {
        name: len({cell.group[place] for cell in cells})
        for place, name in enumerate(group_by)
        if _has_numbers(cells, group_by, name)
    }
    name = max(counts, key=lambda one: counts[one], default=None)
    return name if name is not None and counts[name] >= FEWEST else None


def check_along(cells: Sequence[Cell], group_by: Sequence[str], along: str) -> None:
    """Refuses a grouping that has no numbers."""
    numbers = [name for name in group_by if _has_numbers(cells, group_by, name)]
    if along not in numbers:
        allowed = f"one of {', '.join(numbers)}" if numbers else "given, and none is"
        raise InvalidInputError(
            f"along={along}: a grouping of numbers must be {allowed}"
            f"{nearest(along, numbers)}"
        )


def draw_lines(
    cells: Sequence[Cell],
    group_by: Sequence[str],
    along: str,
    metric: str,
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws means with their 95 % intervals: a panel for each attack, lines in it.

    A line is of the runs that agree in all groupings but the attack and ``along``.
    Along the malicious ratio the clean run stands at 0, else it has a panel.

    Args:
        cells: of :func:`jaxfr.records.summary.summarize`.
        group_by: the groupings.
        along: the one of numbers that forms the horizontal axis.
        metric: what the cells are means of.
        title: of the picture.
        path: of the ``.png`` file; a PDF and an SVG stand beside it.
        width: in inches.

    Raises:
        InvalidInputError: if ``along`` is no grouping of numbers.
    """
    check_along(cells, group_by, along)
    panels = _panels(cells, group_by, along)
    rows, columns = rows_and_columns(len(panels), width, _LEAST_WIDTH)
    shown = looks(name for lines in panels.values() for name in lines)
    titles = {name: name for name in shown}
    others = [name for name in group_by if name not in (along, "attack")]
    if len(others) == 1:
        titles = {name: value_title(others[0], name) for name in shown}
    with picture(path, width, _HEIGHT * rows + 0.8) as figure:
        drawn = panels_of(figure, len(panels), columns, sharey=True)
        for axes, (attack, lines) in zip(drawn, panels.items(), strict=True):
            places = sorted({point.at for line in lines.values() for point in line})
            is_log = places[0] > 0 and places[-1] >= _WIDE * places[0]
            for place, (name, points) in enumerate(lines.items()):
                share = _DODGE * (place - (len(lines) - 1) / 2)
                at = _beside(points, places, share, is_log)
                style = {"label": titles[name], **shown[name]._asdict()}
                _draw_line(axes, at, points, **style)
            for name, level in common_levels(cells).items():
                draw_level(axes, heading(name), level)
            scale = 100 if along == _RATIO else 1
            if is_log:
                axes.set_xscale("log")
                axes.minorticks_off()
            axes.set_xticks(places, [f"{scale * place:g}" for place in places])
            axes.set_title(value_title("attack", attack) if attack else "")
            axes.set_xlabel("malicious clients (%)" if scale > 1 else along)
            axes.set_ylabel(f"{heading(metric)}{direction(metric)}")
            axes.set_ylim(bottom=0)
            axes.grid()
        label_outer(drawn, columns)
        if len(shown) > 1:
            legend_below(figure)
        several = any(not math.isnan(cell.half_width) for cell in cells)
        set_title(figure, title, _BARS * several)


def _panels(
    cells: Sequence[Cell], group_by: Sequence[str], along: str
) -> dict[str, dict[str, list[Point]]]:
    """By attack, empty where it is no grouping, and by line, from left to right."""
    found: dict[str, dict[str, list[Point]]] = {}
    clean: dict[str, Point] = {}
    for cell in (cell for cell in cells if cell.runs):
        values = dict(zip(group_by, cell.group, strict=True))
        at, attack = values.pop(along), values.pop("attack", "")
        line = ", ".join(map(str, values.values()))
        if attack == CLEAN and along == _RATIO:
            clean.setdefault(line, Point(0.0, cell))
        else:
            found.setdefault(str(attack), {}).setdefault(line, []).append(
                Point(float(at or 0), cell)
            )
    for lines in found.values():
        for line, points in lines.items():
            points += [clean[line]] if line in clean else []
            points.sort(key=lambda point: point.at)
    order = in_order(found)
    return {str(attack): found[str(attack)] for attack in order}


def _beside(
    points: Sequence[Point], places: Sequence[float], share: float, is_log: bool
) -> list[float]:
    """Where points stand, moved by a share of the axis: equal lines stay seen."""
    if is_log:
        return [point.at * (places[-1] / places[0]) ** share for point in points]
    return [point.at + (places[-1] - places[0]) * share for point in points]


def _draw_line(
    axes: Any, at: Sequence[float], points: Sequence[Point], **style: Any
) -> None:
    halves = [point.cell.half_width for point in points]
    axes.errorbar(
        at,
        [point.cell.mean for point in points],
        yerr=[0.0 if math.isnan(half) else half for half in halves],
        elinewidth=0.8,
        **style,
    )


def _has_numbers(cells: Sequence[Cell], group_by: Sequence[str], name: str) -> bool:
    place = list(group_by).index(name)
    return all(
        isinstance(cell.group[place], int | float)
        and not isinstance(cell.group[place], bool)
        for cell in cells
    )
