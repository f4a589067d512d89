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
from experiments.studies.names import attack_title
from experiments.studies.panels import (
    COLOURS,
    MARKERS,
    Column,
    draw_chance,
    draw_datasets,
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
    columns = [Column("", sweep.label, sweep) for sweep in sweeps]
    draw_datasets(found, columns, _draw_sweep, path, width=3.4)


def _draw_sweep(panel: Any, runs: Runs, sweep: Sweep) -> None:
    panel.set_xscale("log")
    for attack in sweep.attacks:
        shown = sorted(
            (place_of(records, sweep.option), average(records))
            for records in (
                runs[Point(sweep.option, value, attack)] for value in sweep.values
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
    first = runs[Point(sweep.option, sweep.values[0], sweep.attacks[0])]
    draw_chance(panel, chance(first))
    usual = Point(sweep.option, usual_value(sweep), sweep.attacks[0])
    panel.axvline(
        place_of(runs[usual], sweep.option),
        color="0.75",
        linestyle="--",
        label="default",
        zorder=0,
    )
    # The default of 0 stands too close to its neighbour for a number of its own.
    ticks = [value for value in sweep.values if value]
    panel.set_xticks(ticks, [f"{value:g}" for value in ticks])
    panel.minorticks_off()
