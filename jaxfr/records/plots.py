"""Records as pictures; needs the extra ``plots``."""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from jaxfr.files import replacing
from jaxfr.records.results import Record

# Attacks that all freeze the items give the same curve; none must hide another.
LINE_STYLES = ("-", "--", "-.", ":")
SHOWN = (("hr@10", "HR@10"), ("ndcg@10", "nDCG@10"))


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def draw_curves(records: Sequence[Record], title: str, path: pathlib.Path) -> None:
    """Draws HR@10 and nDCG@10 by round: mean over seeds, shaded to the extremes.

    Args:
        records: runs with one schedule of evaluations, a line for each attack.
        title: what the runs have in common.
        path: a file that ends in ``.png``.

    Raises:
        InvalidInputError: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.9), layout="constrained")
    for axes, (metric, label) in zip(figure.subplots(1, 2), SHOWN, strict=True):
        attacks = dict.fromkeys(record["attack"] for record in records)
        for attack, style in zip(attacks, itertools.cycle(LINE_STYLES), strict=False):
            chosen = [record for record in records if record["attack"] == attack]
            rounds = [point["round"] for point in chosen[0]["curve"]]
            values = np.array([[p[metric] for p in r["curve"]] for r in chosen])
            name = "clean" if attack == "none" else attack
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
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False
    )
    figure.suptitle(title)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=150)


def chance_level(metric: str, num_ranked: float) -> float:
    """The metric of a random order.

    Args:
        metric: ``hr@10`` or ``ndcg@10``.
        num_ranked: items in each user's ranking, the test item among them.
    """
    place = np.arange(min(10, int(num_ranked)))
    gains = np.ones(len(place)) if metric == "hr@10" else 1 / np.log2(place + 2)
    return float(np.sum(gains) / num_ranked)
