"""Figure 5 as a picture of curves; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.studies.averages import HIT_RATIO, chance
from experiments.studies.figure5.curves import ATTACKS, CLEAN_CURVE, Curve, Runs
from experiments.studies.names import attack_title
from experiments.studies.panels import COLOURS, Column, draw_chance, draw_datasets
from jaxfr.records.plots import LINE_STYLES
from jaxfr.records.record import Record


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
    draw_datasets(
        found,
        [Column(attack_title(attack), "round", attack) for attack in ATTACKS],
        lambda panel, runs, attack: _draw_attack(panel, runs, attack, starts),
        path,
        width=4.2,
        height=3.0,
    )


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
    draw_chance(panel, chance(clean))
    panel.set_xlim(left=0)


def _draw_curve(
    panel: Any, records: Sequence[Record], **style: str
) -> tuple[list[int], np.ndarray]:
    """Draws the mean over seeds and a band to the extremes; rounds and mean."""
    rounds = [point["round"] for point in records[0]["curve"]]
    values = np.array([[p[HIT_RATIO] for p in r["curve"]] for r in records], float)
    mean = values.mean(axis=0)
    panel.plot(rounds, mean, linewidth=1.6, **style)
    low, high = values.min(axis=0), values.max(axis=0)
    panel.fill_between(rounds, low, high, color=style["color"], alpha=0.18, linewidth=0)
    return rounds, mean
