"""Prints the statistics of a data set, and draws its degree distribution.

jaxfr dataset --dataset=ml-100k --output_dir=runs/ml-100k
"""

import functools
import pathlib

from absl import flags

from jaxfr.data import load_dataset
from jaxfr.data.dataset import Dataset
from jaxfr.data.statistics import (
    DegreeDistribution,
    dataset_statistics,
    degree_distribution,
    statistics_rows,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import replacing
from jaxfr.programs import data_flags, output_flags
from jaxfr.programs.data_flags import DATASET_HELP, load_options
from jaxfr.records.degrees import draw_distribution
from jaxfr.records.export import write_csv
from jaxfr.records.pictures import can_draw, drawn
from jaxfr.terminal import align

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
    print(align(statistics_rows(dataset_statistics(dataset))))
    output_flags.tell_written(written)


def _write(dataset: Dataset, folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes table and picture, and returns those of them that came about."""
    distribution = degree_distribution(dataset)
    table, plot = folder / TABLE_FILE, folder / PLOT_FILE
    write_distribution(distribution, table)
    width = output_flags.figure_width()
    draw = functools.partial(draw_distribution, distribution, dataset.name, width=width)
    return [table, *drawn(draw, plot)]


def write_distribution(distribution: DegreeDistribution, path: pathlib.Path) -> None:
    """Writes a degree distribution as CSV: degree, num_items, ccdf."""
    rows = (
        (int(degree), int(num_items), f"{ccdf:.8g}")
        for degree, num_items, ccdf in zip(*distribution, strict=True)
    )
    with replacing(path) as unfinished:
        write_csv([DegreeDistribution._fields, *rows], unfinished)
