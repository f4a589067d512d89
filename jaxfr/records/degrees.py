"""The degree distribution of a data set as a picture; needs the extra ``plots``."""

import pathlib

from jaxfr.data.statistics import TAIL_DEGREE, DegreeDistribution
from jaxfr.records.pictures import new_figure, save_figure, set_title


def draw_distribution(
    distribution: DegreeDistribution, name: str, path: pathlib.Path
) -> None:
    """Draws the number of items by degree, and the share of at least that degree.

    Both axes are logarithmic; items without a user cannot be shown.
    """
    figure = new_figure(9, 3.8)
    counts, shares = figure.subplots(1, 2)
    shown = distribution.degree > 0
    degree = distribution.degree[shown]
    counts.plot(degree, distribution.num_items[shown], ".", color="tab:blue")
    counts.set_ylabel("items of this degree")
    shares.plot(degree, distribution.ccdf[shown], drawstyle="steps-pre")
    shares.set_ylabel("share of items of at least this degree")
    for axes in (counts, shares):
        axes.set(xscale="log", yscale="log", xlabel="item degree (users)")
        axes.axvline(TAIL_DEGREE, color="tab:red", linestyle="--", linewidth=1)
        axes.grid(which="major", alpha=0.3)
    counts.plot([], [], "--", color="tab:red", label=f"degree {TAIL_DEGREE}")
    counts.legend(frameon=False)
    set_title(figure, f"Item degrees of {name}")
    save_figure(figure, path)
