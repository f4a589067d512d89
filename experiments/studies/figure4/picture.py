"""Figure 4 as a picture of bars; needs the extra ``plots``."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.studies.averages import average, chance, error_bar
from experiments.studies.figure4.bars import (
    AGGREGATORS,
    Bar,
    Runs,
    defense_title,
    spattacks_in,
)
from experiments.studies.names import attack_title, model_title
from experiments.studies.panels import COLOURS, Column, draw_chance, draw_datasets
from jaxfr.attacks import CLEAN

_WIDTH = 0.38


def draw_bars(
    found: Mapping[str, Runs], models: Sequence[str], path: pathlib.Path
) -> None:
    """Draws HR@10: a row for each data set, a panel for each model.

    Args:
        found: the runs of each data set.
        models: the recommenders.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    columns = [Column(model_title(model), "", model) for model in models]
    draw_datasets(found, columns, _draw_model, path, width=3.8)


def _draw_model(panel: Any, runs: Runs, model: str) -> None:
    attacks = (CLEAN, *spattacks_in(runs))
    for place, aggregator in enumerate(AGGREGATORS):
        values = [average(runs[Bar(model, aggregator, attack)]) for attack in attacks]
        bars = panel.bar(
            [at + (place - 0.5) * _WIDTH for at in range(len(attacks))],
            [value.mean for value in values],
            _WIDTH,
            yerr=[error_bar(value) for value in values],
            error_kw={"elinewidth": 1, "ecolor": "0.25"},
            color=COLOURS[place],
            label=defense_title(aggregator),
        )
        white = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
        panel.bar_label(bars, fmt="%.2f", fontsize=7, padding=2, bbox=white)
    level = chance(runs[Bar(model, AGGREGATORS[0], CLEAN)])
    draw_chance(panel, level, zorder=2)
    names = [attack_title(attack).removeprefix("Spattack-") for attack in attacks]
    panel.set_xticks(range(len(attacks)), names)
    panel.grid(visible=False, axis="x")
    # Room for the number above the highest bar.
    panel.margins(y=0.1)
