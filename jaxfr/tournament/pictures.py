"""The tournament as pictures: attack by defense, and defenses over the share."""

import math
import pathlib
from collections.abc import Sequence

from jaxfr.evaluation.names import is_higher_better
from jaxfr.records.headings import direction, heading
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.names import part_title
from jaxfr.records.palette import NEUTRAL, looks
from jaxfr.records.pictures import TEXT_WIDTH, legend_below, picture, set_title
from jaxfr.records.record import Record
from jaxfr.records.summary import summarize
from jaxfr.tournament.judging import Records, Standing
from jaxfr.tournament.trials import defense_title


def by_text(records: Records) -> list[Record]:
    """Records whose parts are named by their texts, options and all."""
    return [
        {
            **record,
            "aggregator": defense_title(trial.aggregator, trial.declared),
            "attack": trial.attack,
        }
        for trial, record in records.items()
    ]


def draw_attacks_by_defense(
    records: Records,
    metric: str,
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws a heatmap of trials at one share; its last column is the worst mean."""
    group_by = ["aggregator", "attack"]
    cells = summarize(by_text(records), group_by, metric)
    draw_heatmap(cells, group_by, "attack", metric, title, path, width)


def draw_over_share(
    standings: Sequence[Standing],
    title: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws the worst case of each defense by malicious share, with its interval.

    At share 0 stands its clean run. The standings are of one metric, data set and
    model.
    """
    by_defense: dict[str, list[Standing]] = {}
    for one in standings:
        title_of = defense_title(one.aggregator, one.declared)
        by_defense.setdefault(title_of, []).append(one)
    metric = standings[0].metric
    # The legend has a line for each in a column, and half as many across the text.
    height = 2.6 + 0.5 * len(by_defense) / width
    with picture(path, width, height) as figure:
        axes = figure.subplots()
        for defense, look in looks(by_defense).items():
            own = by_defense[defense]
            down = [0.0, *(_gap(one.worst.mean, one.worst.low) for one in own)]
            up = [0.0, *(_gap(one.worst.high, one.worst.mean) for one in own)]
            axes.errorbar(
                [0.0, *(100 * one.malicious_ratio for one in own)],
                [own[0].clean, *(one.worst.mean for one in own)],
                yerr=[down, up],
                label=part_title(defense),
                **look._asdict(),
            )
        axes.axhline(
            standings[0].undefended_clean,
            color=NEUTRAL,
            linestyle=":",
            linewidth=0.8,
            label="undefended, no attack",
        )
        axes.set(
            xlabel="malicious share of all clients, %",
            ylabel=f"worst {heading(metric)}{direction(metric)}",
        )
        if is_higher_better(metric):
            axes.set_ylim(bottom=0)
        axes.grid()
        legend_below(figure)
        set_title(figure, title)


def _gap(high: float, low: float) -> float:
    return 0.0 if math.isnan(high - low) else high - low
