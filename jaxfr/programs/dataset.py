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
    DegreeDistribution,
    dataset_statistics,
    degree_distribution,
    statistics_rows,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.programs import data_flags, output_flags
from jaxfr.programs.data_flags import DATASET_HELP, load_options
from jaxfr.records.export import write_csv
from jaxfr.records.pictures import can_draw, drawn, new_figure, save_figure, set_title
from jaxfr.terminal import align

TABLE_FILE = "degree_distribution.csv"
PLOT_FILE = "degree_distribution.png"

flags.adopt_module_key_flags(data_flags)

_DATASET = flags.DEFINE_string("dataset", "ml-100k", DATASET_HELP)
output_flags.define(f"{TABLE_FILE} and {PLOT_FILE}")


def main() -> None:
    """Does what the flags say."""
    if output_flags.output_dir() is not None and not can_draw():
        raise InvalidInputError(
            "--output_dir draws a picture, which needs pip install 'jaxfr[plots]'"
        )
    folder = output_flags.prepare_output([TABLE_FILE, PLOT_FILE])
    dataset = load_dataset(_DATASET.value, load_options())
    written = [] if folder is None else _write(dataset, folder)
    print(align(statistics_rows(dataset_statistics(dataset))))
    output_flags.tell_written(written)


def _write(dataset: Dataset, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes table and picture, and returns those of them that came about."""
    distribution = degree_distribution(dataset)
    table, plot = folder / TABLE_FILE, folder / PLOT_FILE
    write_distribution(distribution, table)
    draw = functools.partial(draw_distribution, distribution, dataset.name)
    return [table, *[plot] * drawn(draw, plot)]


def write_distribution(distribution: DegreeDistribution, path: pathlib.Path) -> None:
    """Writes a degree distribution as CSV: degree, num_items, ccdf."""
    rows = (
        (int(degree), int(num_items), f"{ccdf:.8g}")
        for degree, num_items, ccdf in zip(*distribution, strict=True)
    )
    with replacing(path) as unfinished:
        write_csv([DegreeDistribution._fields, *rows], unfinished)


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
