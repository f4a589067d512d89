"""Reproduces the paper: all tables and figures, checked, in one HTML report.

The same as Markdown, for a repository, with the pictures beside it.

python -m experiments.reproduce --output_dir=runs/reproduction

A reproduction that was stopped goes on where it was; several may share a --store.
"""

import time
from collections.abc import Sequence

from absl import flags

from experiments.report.content import (
    DIFFERENCES,
    INTRODUCTION,
    Page,
    describe_environment,
)
from experiments.report.markdown import render_markdown
from experiments.report.page import render
from experiments.reproducing import Asked, command, load_all, reproduce_studies
from experiments.studies.catalogue import STUDIES, choose_studies
from jaxfr.data import check_dataset_text
from jaxfr.errors import InvalidInputError
from jaxfr.files import write_atomically
from jaxfr.programs import data_flags, execution_flags, output_flags, program
from jaxfr.programs.data_flags import load_options
from jaxfr.programs.flag_parsers import define_number
from jaxfr.programs.program import run_program
from jaxfr.programs.running import opened_store
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.sweeps import RunRequest, parse_seeds, start_devices

EXAMPLE = "--studies=table3,figure4 --quick"
"""For ``--help``, of the flags that only this program has."""

REPORT_FILE = "report.html"
MARKDOWN_FILE = "results.md"

for _module in (data_flags, execution_flags, program):
    flags.adopt_module_key_flags(_module)

_DATASET = flags.DEFINE_list(
    "dataset",
    ["ml-100k", "ml-1m", "steam"],
    "Data sets, with commas between them, by name or path. Default with --quick: "
    "ml-100k.",
)
_SEEDS = flags.DEFINE_string(
    "seeds",
    "0:5",
    "Seeds: a list as in 0,1,2 or a range as in 0:10 (10 excluded). Default with "
    "--quick: 0.",
)
_ROUNDS = define_number(
    "rounds", RunRequest().rounds, "Number of rounds of every run.", COUNT_FROM_1
)
_STUDIES = flags.DEFINE_list(
    "studies",
    [],
    f"Which of {', '.join(STUDIES)} to reproduce, with commas between them. Default: "
    "all.",
)
_QUICK = flags.DEFINE_bool(
    "quick",
    False,
    "Leaves out what is slow: one data set, one seed, no trimmed mean and no Krum, "
    "fewer points. Takes minutes.",
)
output_flags.define(
    f"{REPORT_FILE}, {MARKDOWN_FILE}, a folder with each study's records, tables and "
    f"pictures, and the result store {execution_flags.STORE_FOLDER} where --store "
    "names no other",
    required=True,
)
output_flags.define_figure_width()


def main() -> None:
    """Does what the flags say."""
    folder = output_flags.output_dir()
    if folder is None:
        raise InvalidInputError("output_dir: name the folder, --output_dir=...")
    asked = _asked(flags.FLAGS.output_dir)
    # All that may be refused is, before anything is run.
    studies = choose_studies(asked.studies, asked.quick)
    workload = load_all(studies, asked)
    output_flags.prepare_folder(folder, [REPORT_FILE, MARKDOWN_FILE])
    output_flags.tell_undrawn("pictures")
    options = execution_flags.run_options(start_devices)
    begun = time.monotonic()
    path = execution_flags.store_path() or folder / execution_flags.STORE_FOLDER
    with opened_store(path, execution_flags.ANY_CODE_VERSION.value) as store:
        chapters = reproduce_studies(studies, asked, workload, store, options, folder)
    page = Page(
        title="Spattack, reproduced",
        introduction=INTRODUCTION,
        chapters=tuple(chapters),
        differences=DIFFERENCES,
        data=workload.data,
        environment=describe_environment(time.monotonic() - begun),
        command=command(asked, asked.studies),
    )
    write_atomically(folder / REPORT_FILE, render(page).encode())
    write_atomically(folder / MARKDOWN_FILE, render_markdown(page).encode())
    print(f"wrote {folder / REPORT_FILE} and {MARKDOWN_FILE}")


def _asked(output_dir: str) -> Asked:
    quick = _QUICK.value
    datasets: Sequence[str] = _DATASET.value
    if quick and not flags.FLAGS["dataset"].present:
        datasets = ["ml-100k"]
    seeds = "0" if quick and not flags.FLAGS["seeds"].present else _SEEDS.value
    if not datasets:
        raise InvalidInputError("dataset: name at least one")
    bases = tuple(
        RunRequest(dataset=check_dataset_text(dataset), rounds=_ROUNDS.value, seed=seed)
        for dataset in dict.fromkeys(datasets)
        for seed in parse_seeds(seeds)
    )
    return Asked(
        bases=bases,
        seeds=seeds,
        studies=tuple(_STUDIES.value),
        quick=quick,
        figure_width=flags.FLAGS.figure_width,
        load_options=load_options(),
        output_dir=output_dir,
        store=execution_flags.STORE.value,
    )


if __name__ == "__main__":
    run_program(main)
