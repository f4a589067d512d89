"""Records as pictures; needs the extra ``plots``."""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.names import overall_fields
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.headings import direction, heading
from jaxfr.records.names import value_title
from jaxfr.records.palette import NEUTRAL, Look, looks
from jaxfr.records.pictures import (
    SMALL,
    TEXT_WIDTH,
    label_outer,
    legend_below,
    panels_of,
    picture,
    rows_and_columns,
    set_title,
)
from jaxfr.records.record import Record
from jaxfr.records.selection import grouped, in_order
from jaxfr.records.summary import estimate

SHADED = "shaded: 95 % interval of the mean over seeds"
"""What the bands around curves are."""

# Inches that a panel is high, and that it is wide at least.
_HEIGHT, _LEAST_WIDTH = 2.3, 2.5
_MARKERS_A_LINE = 6


def draw_curves(
    records: Sequence[Record],
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
    by: Sequence[str] = ("attack",),
    metrics: Sequence[str] = (),
) -> None:
    """Draws metrics by round: mean over seeds, shaded to its 95 % interval.

    There is a line for each group of runs that agree in the options ``by``. By default
    of metrics that differ in the length of their list only, the longest is drawn, as
    HR@10 and nDCG@10. Runs have one schedule of evaluations and the same metrics.
    """
    shown = metrics or drawn_metrics(records[0])
    rows, columns = rows_and_columns(len(shown), width, _LEAST_WIDTH)
    with picture(path, width, _HEIGHT * rows + 0.4) as figure:
        panels = panels_of(figure, len(shown), columns)
        for axes, metric in zip(panels, shown, strict=True):
            _draw_metric(axes, records, metric, by, _looks(records, by))
        legend_below(figure)
        set_title(figure, title, SHADED * _has_seeds(records))


def draw_curves_by(
    panel_by: str,
    records: Sequence[Record],
    by: Sequence[str],
    metric: str,
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws one metric by round: a panel for each value of an option.

    In a panel there is a line for each group of runs that agree in the options ``by``,
    as in :func:`draw_curves`; all panels have one vertical axis.
    """
    of_panels = grouped(records, [panel_by])
    rows, columns = rows_and_columns(len(of_panels), width, _LEAST_WIDTH)
    shown = _looks(records, by)
    with picture(path, width, _HEIGHT * rows + 0.8) as figure:
        panels = panels_of(figure, len(of_panels), columns, sharey=True)
        values = in_order(value for (value,) in of_panels)
        for axes, value in zip(panels, values, strict=True):
            _draw_metric(axes, of_panels[value,], metric, by, shown)
            axes.set_title(value_title(panel_by, value))
        label_outer(panels, columns)
        if len(shown) > 1:
            legend_below(figure)
        set_title(figure, title, SHADED * _has_seeds(records))


def has_curves(records: Sequence[Record], group_by: Sequence[str], metric: str) -> bool:
    """Whether runs have curves of a metric that can be averaged within each group.

    Each must have been evaluated between its first and its last round, and all runs of
    a group after the same ones.
    """
    for runs in grouped(records, group_by).values():
        schedules = {tuple(point["round"] for point in r["curve"]) for r in runs}
        if len(schedules) > 1 or len(*schedules) <= 2:
            return False
    return all(metric in record["curve"][0] for record in records)


def draw_band(
    axes: Any, rounds: Sequence[int], curves: Any, **style: Any
) -> list[float]:
    """Draws the mean of curves over seeds, shaded to its 95 % interval, and returns it.

    Args:
        axes: where.
        rounds: of the points of each curve.
        curves: ``[seeds, points]``; NaN leaves a gap.
        **style: of the line, its ``color`` among it.
    """
    found = [estimate(values) for values in np.transpose(np.asarray(curves, float))]
    mean, _, half = map(list, zip(*found, strict=True))
    axes.plot(rounds, mean, **style)
    low, high = np.subtract(mean, half), np.add(mean, half)
    axes.fill_between(rounds, low, high, color=style["color"], alpha=0.2, linewidth=0)
    return mean


def _looks(records: Sequence[Record], by: Sequence[str]) -> dict[str, Look]:
    return looks(_name(group) for group in grouped(records, by))


def _name(group: tuple[object, ...]) -> str:
    return ", ".join(map(str, group))


def _has_seeds(records: Sequence[Record]) -> bool:
    return len({record.get("seed") for record in records}) > 1


def _draw_metric(
    axes: Any,
    records: Sequence[Record],
    metric: str,
    by: Sequence[str],
    shown: Mapping[str, Look],
) -> None:
    for group, chosen in grouped(records, by).items():
        rounds = [point["round"] for point in chosen[0]["curve"]]
        curves = [
            np.mean([_curve(run, metric) for run in runs], axis=0)
            for runs in grouped(chosen, ["seed"]).values()
        ]
        every = max(len(rounds) // _MARKERS_A_LINE, 1)
        title = ", ".join(map(value_title, by, group))
        named = {"label": title, "markevery": every}
        draw_band(axes, rounds, curves, **named, **shown[_name(group)]._asdict())
    for name in REFERENCES:
        level = np.mean([reference(record, name, metric) for record in records])
        draw_level(axes, heading(name), float(level))
    axes.set(xlabel="round", ylabel=f"{heading(metric)}{direction(metric)}")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid()


def _curve(record: Record, metric: str) -> np.ndarray:
    """As numbers, in which null is NaN and leaves a gap."""
    return np.array([point[metric] for point in record["curve"]], float)


def draw_level(axes: Any, name: str, level: float) -> None:
    """A line across at what something else than a run reaches; none where it is NaN.

    Its name stands beside the panel, where it covers no curve.
    """
    if math.isnan(level):
        return
    axes.axhline(level, color=NEUTRAL, linestyle=":", linewidth=0.8)
    axes.annotate(
        name.replace(" ", "\n"),
        (1.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=NEUTRAL,
    )


def check_drawn(records: Sequence[Record], metric: str | None) -> list[str]:
    """The metrics of curves to draw: this one, or as :func:`drawn_metrics`.

    Raises:
        InvalidInputError: if curves of some run lack it.
    """
    if metric is None:
        return drawn_metrics(records[0])
    for record in records:
        known = [name for name in overall_fields(record) if name in record["curve"][0]]
        if metric not in known:
            raise InvalidInputError(
                f"metric={metric}: curves are of {', '.join(known)}"
                f"{nearest(metric, known)}"
            )
    return [metric]


def drawn_metrics(record: Record) -> list[str]:
    """Of a run's metrics, those with the longest list of each kind, in their order."""
    longest: dict[str, tuple[int, str]] = {}
    for name in overall_fields(record):
        kind, _, cutoff = name.partition("@")
        longest[kind] = max(
            longest.get(kind, (-1, "")),
            (int(cutoff) if cutoff.isdecimal() else 0, name),
        )
    return [name for _, name in longest.values()]
