"""The study of hyperparameters as a picture; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.studies.averages import average, chance, error_bar
from experiments.studies.hyperparameters.sweeps import (
    Point,
    Runs,
    Sweep,
    place_of,
    usual_value,
)
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.panels import (
    COLOURS,
    MARKERS,
    finish,
    make_panels,
    start_at_zero,
)
from jaxfr.attacks import CLEAN

# Every attack looks the same in all panels.
_STYLES = (CLEAN, "spattack_o_d", "spattack_l_d", "spattack_o_s", "spattack_l_s")


def draw_sweeps(
    found: Mapping[str, Runs], sweeps: Sequence[Sweep], path: pathlib.Path
) -> None:
    """Draws HR@10: a row for each data set, a panel for each setting.

    Args:
        found: the runs of each data set.
        sweeps: what was varied.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure, axes = make_panels(
        [dataset_title(dataset) for dataset in found],
        [""] * len(sweeps),
        "HR@10",
        width=3.4,
    )
    for row, runs in zip(axes, found.values(), strict=True):
        for panel, sweep in zip(row, sweeps, strict=True):
            _draw_sweep(panel, runs, sweep)
    for panel, sweep in zip(axes[-1], sweeps, strict=True):
        panel.set_xlabel(sweep.label)
    start_at_zero(axes)
    finish(figure, path)


def _draw_sweep(panel: Any, runs: Runs, sweep: Sweep) -> None:
    panel.set_xscale("log")
    for attack in sweep.attacks:
        shown = sorted(
            (place_of(records, sweep.setting), average(records))
            for records in (
                runs[Point(sweep.setting, value, attack)] for value in sweep.values
            )
        )
        style = _STYLES.index(attack)
        panel.errorbar(
            [place for place, _ in shown],
            [value.mean for _, value in shown],
            yerr=[error_bar(value) for _, value in shown],
            color=COLOURS[style],
            marker=MARKERS[style],
            markersize=4.5,
            linewidth=1.4,
            elinewidth=1,
            label=attack_title(attack),
        )
    first = runs[Point(sweep.setting, sweep.values[0], sweep.attacks[0])]
    panel.axhline(chance(first), color="0.4", linestyle=":", label="chance", zorder=1)
    usual = Point(sweep.setting, usual_value(sweep), sweep.attacks[0])
    panel.axvline(
        place_of(runs[usual], sweep.setting),
        color="0.75",
        linestyle="--",
        label="default",
        zorder=0,
    )
    # The default of 0 stands too close to its neighbour for a number of its own.
    ticks = [value for value in sweep.values if value]
    panel.set_xticks(ticks, [f"{value:g}" for value in ticks])
    panel.minorticks_off()
