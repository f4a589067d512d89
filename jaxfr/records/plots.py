"""Records as pictures; needs the extra ``plots``."""

import pathlib
from collections.abc import Sequence

import numpy as np

from jaxfr.errors import InvalidInputError
from jaxfr.records.results import Record

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

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (metric, label) in zip(figure.subplots(1, 2), SHOWN, strict=True):
        for attack in dict.fromkeys(record["attack"] for record in records):
            chosen = [record for record in records if record["attack"] == attack]
            rounds = [point["round"] for point in chosen[0]["curve"]]
            values = np.array([[p[metric] for p in r["curve"]] for r in chosen])
            name = "clean" if attack == "none" else attack
            (line,) = axes.plot(rounds, values.mean(axis=0), label=name)
            axes.fill_between(
                rounds,
                values.min(axis=0),
                values.max(axis=0),
                color=line.get_color(),
                alpha=0.2,
                linewidth=0,
            )
        axes.axhline(_chance(records[0], metric), color="0.4", linestyle=":")
        axes.annotate(
            "chance",
            (1, _chance(records[0], metric)),
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
    figure.axes[0].legend(frameon=False)
    figure.suptitle(title)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror}") from None


def _chance(record: Record, metric: str) -> float:
    """Expected metric of a random order: 10 of the ranked items are shown."""
    ranked = record["num_ranked"]
    shown = min(10, ranked)
    gains = 1.0 if metric.startswith("hr") else np.log2(np.arange(shown) + 2.0) ** -1
    return float(np.sum(np.broadcast_to(gains, shown)) / ranked)
