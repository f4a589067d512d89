"""Pictures of several panels with one legend; needs the extra ``plots``."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.studies.comparison import Average, Runs
from jaxfr.records import NEUTRAL, Look, legend_below, picture, rows_and_columns

Shown = TypeVar("Shown")


LEAST_WIDTH = 1.5
"""Inches that a panel is wide at least."""


class Column(NamedTuple, Generic[Shown]):
    """A column of panels: its title, its horizontal axis, and what it shows."""

    title: str
    label: str
    shown: Shown


def draw_datasets(
    found: Sequence[Runs],
    columns: Sequence[Column[Shown]],
    draw: Callable[[Any, Runs, Shown], Any],
    path: pathlib.Path,
    width: float,
    least: float = LEAST_WIDTH,
) -> None:
    """Draws HR@10 in panels, as ``panels`` makes them: a row for each data set.

    ``draw`` draws into one panel what its column shows of its data set.
    """
    titles = [column.title for column in columns]
    with panels(
        [runs.title for runs in found], titles, "HR@10", path, width, least=least
    ) as axes:
        for row, runs in zip(axes, found, strict=True):
            for panel, column in zip(row, columns, strict=True):
                draw(panel, runs, column.shown)
        for panel, column in zip(axes[-1], columns, strict=True):
            panel.set_xlabel(column.label)
        # (A limit that is set before all panels are drawn would hold a row's scale
        # back.)
        for panel in axes[:, 0]:
            panel.set_ylim(bottom=0)


def draw_line(
    panel: Any, places: Sequence[float], values: Sequence[Average], look: Look, **name
) -> None:
    """Draws means with their 95 % intervals."""
    panel.errorbar(
        places,
        [value.mean for value in values],
        yerr=[value.error_bar for value in values],
        elinewidth=0.8,
        **look._asdict(),
        **name,
    )


def draw_chance(panel: Any, level: float, zorder: int = 1) -> None:
    """Marks the HR@10 of a random order."""
    panel.axhline(
        level,
        color=NEUTRAL,
        linestyle=":",
        linewidth=0.8,
        label="chance",
        zorder=zorder,
    )


@contextlib.contextmanager
def panels(
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    path: pathlib.Path,
    width: float,
    height: float = 1.9,
    least: float = LEAST_WIDTH,
) -> Iterator[Any]:
    """Panels to draw on, those of a row on one scale; then a legend, and the files.

    Panels of a row that have no room side by side go on in further lines.

    Args:
        rows: their names; empty for one without.
        columns: their titles.
        label: of the vertical axes.
        path: of the ``.png`` file.
        width: of the picture, in inches.
        height: of a panel, in inches.
        least: how many inches a panel is wide at least.
    """
    lines, across = rows_and_columns(len(columns), width, least)
    with picture(path, width, height * lines * len(rows) + 0.6) as figure:
        places = figure.subplots(lines * len(rows), across, squeeze=False)
        places = places.reshape(len(rows), lines * across)
        axes = places[:, : len(columns)]
        for panel in places[:, len(columns) :].flat:
            panel.remove()
        for number, (row, of_row) in enumerate(zip(rows, axes, strict=True)):
            for place, (panel, column) in enumerate(zip(of_row, columns, strict=True)):
                panel.grid()
                if number == 0 or lines > 1:
                    panel.set_title(column)
                if place:
                    panel.sharey(of_row[0])
                if place % across:
                    panel.tick_params(labelleft=False)
                else:
                    panel.set_ylabel(f"{row}\n{label}" if row else label)
        yield axes
        legend_below(figure)
