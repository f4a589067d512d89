"""Figure 5 as a picture of curves; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.studies.averages import HIT_RATIO, chance
from experiments.studies.figure5.curves import ATTACKS, CLEAN_CURVE, Curve, Runs
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.panels import COLOURS, finish, make_panels, start_at_zero
from jaxfr.records.plots import LINE_STYLES
from jaxfr.records.results import Record


def draw_starts(
    found: Mapping[str, Runs], starts: Sequence[int], path: pathlib.Path
) -> None:
    """Draws HR@10 by round: a row for each data set, a panel for each attack.

    Args:
        found: the runs of each data set.
        starts: the start rounds.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure, axes = make_panels(
        [dataset_title(dataset) for dataset in found],
        [attack_title(attack) for attack in ATTACKS],
        "HR@10",
        width=4.2,
        height=3.0,
    )
    for row, runs in zip(axes, found.values(), strict=True):
        for panel, attack in zip(row, ATTACKS, strict=True):
            _draw_attack(panel, runs, attack, starts)
    for panel in axes[-1]:
        panel.set_xlabel("round")
    start_at_zero(axes)
    finish(figure, path)


def _draw_attack(panel: Any, runs: Runs, attack: str, starts: Sequence[int]) -> None:
    clean = runs[CLEAN_CURVE]
    _draw_curve(panel, clean, color="0.35", linestyle="-", label="clean")
    for place, start in enumerate(starts):
        colour = COLOURS[place % len(COLOURS)]
        style = LINE_STYLES[place % len(LINE_STYLES)]
        rounds, mean = _draw_curve(
            panel,
            runs[Curve(attack, start)],
            color=colour,
            linestyle=style,
            label=f"from round {start}",
        )
        if start in rounds:
            at = rounds.index(start)
            panel.plot(start, mean[at], "v", color=colour, markersize=6, zorder=4)
    panel.axhline(chance(clean), color="0.4", linestyle=":", label="chance", zorder=1)
    panel.set_xlim(left=0)


def _draw_curve(
    panel: Any, records: Sequence[Record], **style: str
) -> tuple[list[int], np.ndarray]:
    """Draws the mean over seeds and a band to the extremes; rounds and mean."""
    rounds = [point["round"] for point in records[0]["curve"]]
    values = np.array([[p[HIT_RATIO] for p in r["curve"]] for r in records])
    mean = values.mean(axis=0)
    panel.plot(rounds, mean, linewidth=1.6, **style)
    low, high = values.min(axis=0), values.max(axis=0)
    panel.fill_between(rounds, low, high, color=style["color"], alpha=0.18, linewidth=0)
    return rounds, mean
