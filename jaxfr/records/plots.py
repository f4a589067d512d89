"""Records as pictures; needs the extra ``plots``."""

import itertools
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.names import overall_fields
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.pictures import legend_below, new_figure, save_figure, set_title
from jaxfr.records.record import Record
from jaxfr.records.tables import direction, heading

# Attacks that all freeze the items give the same curve; none must hide another.
LINE_STYLES = ("-", "--", "-.", ":")


def draw_curves(records: Sequence[Record], title: str, path: pathlib.Path) -> None:
    """Draws metrics by round: mean over seeds, shaded to the extremes, by attack.

    Of metrics that differ in the length of their list only, the longest is drawn, so by
    default HR@10 and nDCG@10. Runs have one schedule of evaluations and the same
    metrics.
    """
    shown = drawn_metrics(records[0])
    figure = new_figure(max(4.5 * len(shown), 6), 3.9)
    panels = np.ravel(figure.subplots(1, len(shown)))
    for axes, metric in zip(panels, shown, strict=True):
        attacks = dict.fromkeys(record["attack"] for record in records)
        for attack, style in zip(attacks, itertools.cycle(LINE_STYLES), strict=False):
            chosen = [record for record in records if record["attack"] == attack]
            rounds = [point["round"] for point in chosen[0]["curve"]]
            # As numbers, in which null is NaN and leaves a gap.
            curves = [[point[metric] for point in r["curve"]] for r in chosen]
            values = np.array(curves, float)
            name = "clean" if attack == CLEAN else attack
            (line,) = axes.plot(rounds, values.mean(axis=0), style, label=name)
            axes.fill_between(
                rounds,
                values.min(axis=0),
                values.max(axis=0),
                color=line.get_color(),
                alpha=0.2,
                linewidth=0,
            )
        for name in REFERENCES:
            level = np.mean([reference(record, name, metric) for record in records])
            _draw_level(axes, heading(name), float(level))
        axes.set(xlabel="round", ylabel=f"{heading(metric)}{direction(metric)}")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    legend_below(figure)
    set_title(figure, title)
    save_figure(figure, path)


def _draw_level(axes: Any, name: str, level: float) -> None:
    """A line across at what something else than a run reaches; none where it is NaN."""
    if math.isnan(level):
        return
    axes.axhline(level, color="0.4", linestyle=":")
    axes.annotate(
        name,
        (1, level),
        xycoords=("axes fraction", "data"),
        xytext=(-4, -12),
        textcoords="offset points",
        ha="right",
        color="0.4",
    )


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
