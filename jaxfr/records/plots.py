"""Records as pictures; needs the extra ``plots``."""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.records.chance import chance_level
from jaxfr.records.pictures import legend_below, new_figure, save_figure, set_title
from jaxfr.records.results import Record

# Attacks that all freeze the items give the same curve; none must hide another.
LINE_STYLES = ("-", "--", "-.", ":")
SHOWN = (("hr@10", "HR@10"), ("ndcg@10", "nDCG@10"))


def draw_curves(records: Sequence[Record], title: str, path: pathlib.Path) -> None:
    """Draws HR@10 and nDCG@10 by round: mean over seeds, shaded to the extremes.

    Args:
        records: runs with one schedule of evaluations, a line for each attack.
        title: what the runs have in common.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    figure = new_figure(9, 3.9)
    for axes, (metric, label) in zip(figure.subplots(1, 2), SHOWN, strict=True):
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
        chance = chance_level(metric, records[0]["num_ranked"])
        axes.axhline(chance, color="0.4", linestyle=":")
        axes.annotate(
            "chance",
            (1, chance),
            xycoords=("axes fraction", "data"),
            xytext=(-4, -12),
            textcoords="offset points",
            ha="right",
            color="0.4",
        )
        axes.set(xlabel="round", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    legend_below(figure)
    set_title(figure, title)
    save_figure(figure, path)
