"""The degree distribution of a data set as a picture; needs the extra ``plots``."""

import pathlib

from jaxfr.data.statistics import TAIL_DEGREE, DegreeDistribution
from jaxfr.records.names import dataset_title
from jaxfr.records.palette import NEUTRAL, PALETTE
from jaxfr.records.pictures import TEXT_WIDTH, picture, rows_and_columns, set_title


def draw_distribution(
    distribution: DegreeDistribution,
    name: str,
    path: pathlib.Path,
    width: float = TEXT_WIDTH,
) -> None:
    """Draws the number of items by degree, and the share of at least that degree.

    Both axes are logarithmic; items without a user cannot be shown.
    """
    rows, columns = rows_and_columns(2, width, least=2.5)
    with picture(path, width, 2.5 * rows + 0.3) as figure:
        counts, shares = figure.subplots(rows, columns).flat
        shown = distribution.degree > 0
        degree = distribution.degree[shown]
        counts.plot(degree, distribution.num_items[shown], ".", color=PALETTE[0])
        counts.set_ylabel("items of this degree")
        shares.plot(
            degree,
            distribution.ccdf[shown],
            drawstyle="steps-pre",
            color=PALETTE[0],
        )
        shares.set_ylabel("share of items of at least this degree")
        for axes in (counts, shares):
            axes.set(xscale="log", yscale="log", xlabel="item degree (users)")
            axes.axvline(TAIL_DEGREE, color=NEUTRAL, linestyle="--", linewidth=0.8)
            axes.grid(which="major")
        counts.plot([], [], "--", color=NEUTRAL, label=f"degree {TAIL_DEGREE}")
        counts.legend(frameon=False)
        set_title(figure, f"Item degrees of {dataset_title(name)}")
