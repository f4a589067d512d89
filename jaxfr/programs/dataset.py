"""Prints the statistics of a data set, and draws its degree distribution.

jaxfr dataset --dataset=ml-100k --output_dir=runs/ml-100k
"""

import functools
import pathlib

from absl import flags

from jaxfr.data import load_dataset
from jaxfr.data.dataset import Dataset
from jaxfr.data.statistics import (
    TAIL_DEGREE,
    DatasetStatistics,
    DegreeDistribution,
    dataset_statistics,
    degree_distribution,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.programs import data_flags, output_flags
from jaxfr.programs.data_flags import DATASET_HELP, load_options
from jaxfr.records.export import write_csv
from jaxfr.records.names import dataset_title
from jaxfr.records.palette import NEUTRAL, PALETTE
from jaxfr.records.pictures import (
    TEXT_WIDTH,
    can_draw,
    drawn,
    picture,
    rows_and_columns,
    set_title,
)

TABLE_FILE = "degree_distribution.csv"
PLOT_FILE = "degree_distribution.png"

flags.adopt_module_key_flags(data_flags)

_DATASET = flags.DEFINE_string("dataset", "ml-100k", DATASET_HELP)
output_flags.define(f"{TABLE_FILE} and {PLOT_FILE}")
output_flags.define_figure_width()


def main() -> None:
    """Does what the flags say."""
    if output_flags.output_dir() is not None and not can_draw():
        raise InvalidInputError(
            "--output_dir draws a picture, which needs pip install 'jaxfr[plots]'"
        )
    folder = output_flags.prepare_output([TABLE_FILE, PLOT_FILE])
    dataset = load_dataset(_DATASET.value, load_options())
    written = [] if folder is None else _write(dataset, folder)
    print(format_statistics(dataset_statistics(dataset)))
    output_flags.tell_written(written)


def _write(dataset: Dataset, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes table and picture, and returns those of them that came about."""
    distribution = degree_distribution(dataset)
    table, plot = folder / TABLE_FILE, folder / PLOT_FILE
    write_distribution(distribution, table)
    width = output_flags.figure_width()
    draw = functools.partial(draw_distribution, distribution, dataset.name, width=width)
    return [table, *drawn(draw, plot)]


def format_statistics(statistics: DatasetStatistics) -> str:
    """Writes statistics as a table of two columns."""
    activity = (
        f"{statistics.min_activity:,} / {statistics.median_activity:,g} / "
        f"{statistics.max_activity:,}"
    )
    quartiles = (
        f"{statistics.lower_quartile_degree:,g} / {statistics.median_degree:,g} / "
        f"{statistics.upper_quartile_degree:,g} / {statistics.percentile_95_degree:,g}"
    )
    rows = (
        ("data set", statistics.name),
        ("users", f"{statistics.num_users:,}"),
        ("items", f"{statistics.num_items:,}"),
        ("edges", f"{statistics.num_edges:,}"),
        ("sparsity", f"{statistics.sparsity_percent:.2f} %"),
        ("items per user: min / median / max", activity),
        (
            "users per item: min / max",
            f"{statistics.min_degree:,} / {statistics.max_degree:,}",
        ),
        ("users per item: 25 / 50 / 75 / 95 %", quartiles),
        (
            f"items with fewer than {TAIL_DEGREE} users",
            f"{statistics.tail_percent:.1f} %",
        ),
    )
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def write_distribution(distribution: DegreeDistribution, path: pathlib.Path) -> None:
    """Writes a degree distribution as CSV: degree, num_items, ccdf."""
    rows = (
        (int(degree), int(num_items), f"{ccdf:.8g}")
        for degree, num_items, ccdf in zip(*distribution, strict=True)
    )
    with replacing(path) as unfinished:
        write_csv([DegreeDistribution._fields, *rows], unfinished)


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
