"""Pictures of several panels with one legend; needs the extra ``plots``."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.studies.comparison import Average, Runs
from jaxfr.records import legend_below, new_figure, save_figure

Shown = TypeVar("Shown")

# Distinct for those who see colours differently (Okabe and Ito), and in grey with the
# markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")


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
    width: float = 2.9,
    height: float = 2.6,
) -> None:
    """Draws HR@10 in panels: a row for each data set.

    ``draw`` draws into one panel what its column shows of its data set. Sizes of a
    panel are in inches.
    """
    titles = [column.title for column in columns]
    rows = [runs.title for runs in found]
    figure, axes = make_panels(rows, titles, "HR@10", width, height)
    for row, runs in zip(axes, found, strict=True):
        for panel, column in zip(row, columns, strict=True):
            draw(panel, runs, column.shown)
    for panel, column in zip(axes[-1], columns, strict=True):
        panel.set_xlabel(column.label)
    # (A limit that is set before all panels are drawn would hold a row's scale back.)
    for panel in axes[:, 0]:
        panel.set_ylim(bottom=0)
    finish(figure, path)


def draw_line(
    panel: Any, places: Sequence[float], values: Sequence[Average], style: int, **name
) -> None:
    """Draws means with two standard errors, in the colour and marker of a number."""
    panel.errorbar(
        places,
        [value.mean for value in values],
        yerr=[value.error_bar for value in values],
        color=COLOURS[style],
        marker=MARKERS[style],
        markersize=4.5,
        linewidth=1.4,
        elinewidth=1,
        **name,
    )


def draw_chance(panel: Any, level: float, zorder: int = 1) -> None:
    """Marks the HR@10 of a random order."""
    panel.axhline(level, color="0.4", linestyle=":", label="chance", zorder=zorder)


def make_panels(
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    width: float = 2.9,
    height: float = 2.6,
) -> tuple[Any, Any]:
    """Makes a figure of panels, those of a row on one scale."""
    size = max(width * len(columns) + 0.6, 4.5), height * len(rows) + 0.7
    figure = new_figure(*size)
    axes = figure.subplots(len(rows), len(columns), squeeze=False, sharey="row")
    for panel, column in zip(axes[0], columns, strict=True):
        panel.set_title(column, fontsize=11)
    for panel, row in zip(axes[:, 0], rows, strict=True):
        panel.set_ylabel(f"{row}\n{label}" if row else label)
    for panel in axes.flat:
        panel.grid(alpha=0.3)
        panel.set_axisbelow(True)
    return figure, axes


def finish(figure: Any, path: pathlib.Path) -> None:
    """Puts a legend of all that is labelled below, and writes the picture."""
    legend_below(figure)
    save_figure(figure, path)
