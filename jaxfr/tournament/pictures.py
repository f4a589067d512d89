"""The tournament as pictures: attack by defense, and defenses over the share."""

import itertools
import math
import pathlib
from collections.abc import Sequence

from jaxfr.evaluation.names import is_higher_better
from jaxfr.records.heatmap import draw_heatmap
from jaxfr.records.pictures import legend_below, new_figure, save_figure, set_title
from jaxfr.records.plots import LINE_STYLES
from jaxfr.records.record import Record
from jaxfr.records.summary import summarize
from jaxfr.records.tables import direction, heading
from jaxfr.tournament.judging import Records, Standing
from jaxfr.tournament.trials import defense_title

_MARKERS = "osD^vPX*"


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
    records: Records, metric: str, title: str, path: pathlib.Path
) -> None:
    """Draws a heatmap of trials at one share; its last column is the worst mean."""
    group_by = ["aggregator", "attack"]
    cells = summarize(by_text(records), group_by, metric)
    draw_heatmap(cells, group_by, "attack", metric, title, path)


def draw_over_share(
    standings: Sequence[Standing], title: str, path: pathlib.Path
) -> None:
    """Draws the worst case of each defense by malicious share, with its interval.

    At share 0 stands its clean run. The standings are of one metric, data set and
    model.
    """
    figure = new_figure(7.2, 4.6)
    axes = figure.subplots()
    kinds = itertools.cycle(zip(_MARKERS, itertools.cycle(LINE_STYLES), strict=False))
    by_defense: dict[str, list[Standing]] = {}
    for one in standings:
        title_of = defense_title(one.aggregator, one.declared)
        by_defense.setdefault(title_of, []).append(one)
    for (defense, own), (marker, style) in zip(by_defense.items(), kinds, strict=False):
        shares = [0.0, *(100 * one.malicious_ratio for one in own)]
        means = [own[0].clean, *(one.worst.mean for one in own)]
        down = [0.0, *(_gap(one.worst.mean, one.worst.low) for one in own)]
        up = [0.0, *(_gap(one.worst.high, one.worst.mean) for one in own)]
        axes.errorbar(
            shares,
            means,
            yerr=[down, up],
            marker=marker,
            linestyle=style,
            capsize=2,
            label=defense,
        )
    metric = standings[0].metric
    level = standings[0].undefended_clean
    axes.axhline(level, color="0.4", linestyle=":", label="undefended, no attack")
    axes.set(
        xlabel="malicious share of all clients, %",
        ylabel=f"worst {heading(metric)}{direction(metric)}",
    )
    if is_higher_better(metric):
        axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    legend_below(figure)
    set_title(figure, title)
    save_figure(figure, path)


def _gap(high: float, low: float) -> float:
    return 0.0 if math.isnan(high - low) else high - low
