"""One table or figure of the paper: its runs, what they show, what the paper states.

python -m experiments.study table3 --dataset=ml-100k,ml-1m,steam --seeds=0:5 \
    --store=runs/store --output_dir=runs/table3

There are table2, figure1_2, table3, figure3, figure4, figure5 and hyperparameters.
"""

from absl import flags

from experiments.studies import figure1_2, figure3
from experiments.studies.base import Study
from experiments.studies.catalogue import STUDIES, choose_studies
from experiments.studies.figure3 import DEFENSES
from experiments.studies.runs import run_study
from experiments.studies.writing import (
    RECORDS_FILE,
    format_section,
    write_study,
    written_already,
)
from jaxfr.aggregators import AGGREGATORS
from jaxfr.errors import InvalidInputError
from jaxfr.programs import data_flags, execution_flags, output_flags, program, run_flags
from jaxfr.programs.flag_parsers import define_number
from jaxfr.programs.program import run_program
from jaxfr.programs.running import opened_store
from jaxfr.ranges import COUNT_FROM_1, SHARE
from jaxfr.records import can_draw
from jaxfr.sweeps import RunRequest, check_read, parse_seeds, start_devices

EXAMPLE = "--defenses=median,krum"
"""For ``--help``, of the flags that only this program has."""

run_flags.define_run_flags(lists=("dataset",), seeds="0:5")
for _module in (run_flags, data_flags, execution_flags, program):
    flags.adopt_module_key_flags(_module)

output_flags.define(
    f"what is shown: {RECORDS_FILE} (a line for each run), every table as CSV, "
    "pictures as PNG, PDF and SVG, the findings, and the result store "
    f"{execution_flags.STORE_FOLDER} where --store names no other"
)
output_flags.define_figure_width()
_DEFENSES = flags.DEFINE_list(
    "defenses",
    list(DEFENSES),
    f"Of figure3: which of {', '.join(DEFENSES)} to run, with commas between them. "
    "(trimmed_mean and krum take much longer than the others.)",
)
_AGGREGATORS = flags.DEFINE_list(
    "aggregators",
    list(figure1_2.COMPARED),
    f"Of figure1_2: which of {', '.join(AGGREGATORS)} to compare, with commas between "
    "them. (krum takes much longer than the others on large data.)",
)
_RATIO = define_number(
    "attacked_ratio",
    figure1_2.MALICIOUS_RATIO,
    "Of figure1_2: malicious share of all clients in Figure 1.",
    SHARE,
)
_TRAINED_ROUNDS = define_number(
    "trained_rounds",
    figure1_2.TRAINED_ROUNDS,
    "Of figure1_2: rounds of clean training before the round that is taken apart, at "
    "most --rounds.",
    COUNT_FROM_1,
)
_READ_BY = {
    "defenses": figure3.NAME,
    **dict.fromkeys(("aggregators", "attacked_ratio", "trained_rounds"), "figure1_2"),
}


def main(name: str = "") -> None:
    """Runs a study as the flags say, prints what it shows, and writes it."""
    study = flagged_study(name)
    bases = flagged_bases()
    wanted, folder = study.wanted(bases), output_flags.output_dir()
    check_read(wanted)
    if folder is not None:
        output_flags.prepare_folder(folder, written_already(folder))
    own_store = None if folder is None else folder / execution_flags.STORE_FOLDER
    options = execution_flags.run_options(start_devices)
    path = (execution_flags.store_path() or own_store) if wanted else None
    with opened_store(path, execution_flags.ANY_CODE_VERSION.value) as store:
        loading = data_flags.load_options()
        studied = run_study(study, bases, loading, store, options)
    written = []
    if folder is not None:
        written = write_study(
            folder, studied.section, studied.records, output_flags.figure_width()
        )
    print(format_section(studied.section))
    if written:
        print(f"\nwrote {', '.join(written)} into {folder}")
        if studied.section.pictures and not can_draw():
            print("no pictures drawn: that needs pip install 'jaxfr[plots]'")


def flagged_study(name: str) -> Study:
    """The study of a name, with what the flags say of it alone.

    Refuses flags that only another study reads, or that name what it varies itself.
    """
    if not name:
        raise InvalidInputError(f"name a study: one of {', '.join(STUDIES)}")
    (study,) = choose_studies([name], quick=False)
    for flag, reader in _READ_BY.items():
        if flags.FLAGS[flag].present and name != reader:
            raise InvalidInputError(f"{flag}: only {reader} reads it, not {name}")
    for option in study.decides:
        if flags.FLAGS["seeds" if option == "seed" else option].present:
            raise InvalidInputError(
                f"{option}: {name} varies it itself; it takes every option but "
                f"{', '.join(study.decides)}"
            )
    if name == figure3.NAME:
        return figure3.study(_DEFENSES.value)
    if name == figure1_2.NAME:
        return figure1_2.study(_AGGREGATORS.value, _RATIO.value, _TRAINED_ROUNDS.value)
    return study


def flagged_bases() -> list[RunRequest]:
    """The runs that the flags name, for each data set and seed."""
    return [
        run_flags.flagged_request(dataset=dataset, seed=seed)
        for dataset in flags.FLAGS.dataset
        for seed in parse_seeds(flags.FLAGS.seeds)
    ]


if __name__ == "__main__":
    run_program(main, most_words=1)
