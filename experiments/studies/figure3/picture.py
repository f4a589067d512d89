"""Figure 3 as a picture; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.studies.averages import average, chance, error_bar
from experiments.studies.figure3.points import (
    DEFENSES,
    Point,
    Runs,
    applies,
    clean_runs,
    ratios,
    spattacks_in,
)
from experiments.studies.names import aggregator_title, attack_title
from experiments.studies.panels import (
    COLOURS,
    MARKERS,
    Column,
    draw_chance,
    draw_datasets,
)


def draw_defenses(
    found: Mapping[str, Runs], defenses: Sequence[str], path: pathlib.Path
) -> None:
    """Draws HR@10 by malicious ratio: a row for each data set, a panel for each attack.

    Args:
        found: the runs of each data set.
        defenses: those that were run.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    label = "malicious clients (% of all)"
    spattacks = spattacks_in(next(iter(found.values())))
    draw_datasets(
        found,
        [Column(attack_title(attack), label, attack) for attack in spattacks],
        lambda panel, runs, attack: _draw_attack(panel, runs, attack, defenses),
        path,
    )


def _draw_attack(panel: Any, runs: Runs, attack: str, defenses: Sequence[str]) -> None:
    shown = (0.0, *ratios(attack))
    for defense in defenses:
        if not applies(Point(defense, attack, shown[1])):
            continue
        values = [average(clean_runs(runs, defense))]
        values += [average(runs[Point(defense, attack, r)]) for r in shown[1:]]
        place = DEFENSES.index(defense)
        panel.errorbar(
            [100 * ratio for ratio in shown],
            [value.mean for value in values],
            yerr=[error_bar(value) for value in values],
            color=COLOURS[place],
            marker=MARKERS[place],
            markersize=4.5,
            linewidth=1.4,
            elinewidth=1,
            label=aggregator_title(defense),
        )
    draw_chance(panel, chance(clean_runs(runs, defenses[0])))
    panel.set_xticks([100 * ratio for ratio in shown])
