"""Pictures of several panels with one legend; needs the extra ``plots``."""

import contextlib
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.studies.comparison import Average, Runs
from jaxfr.records import NEUTRAL, TEXT_WIDTH, Look, legend_below, picture

Shown = TypeVar("Shown")


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
) -> None:
    """Draws HR@10 in panels: a row for each data set.

    ``draw`` draws into one panel what its column shows of its data set.
    """
    titles = [column.title for column in columns]
    with panels([runs.title for runs in found], titles, "HR@10", path) as axes:
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
    """Draws means with two standard errors."""
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
    height: float = 1.9,
) -> Iterator[Any]:
    """Panels to draw on, those of a row on one scale; then a legend, and the files.

    As wide as the text of a paper, and each so many inches high.
    """
    with picture(path, TEXT_WIDTH, height * len(rows) + 0.6) as figure:
        axes = figure.subplots(len(rows), len(columns), squeeze=False, sharey="row")
        for panel, column in zip(axes[0], columns, strict=True):
            panel.set_title(column)
        for panel, row in zip(axes[:, 0], rows, strict=True):
            panel.set_ylabel(f"{row}\n{label}" if row else label)
        for panel in axes.flat:
            panel.grid()
        yield axes
        legend_below(figure)
