"""What every program that shows one table or figure of the paper does alike.

A thin program adopts the flags of this module and calls ``main`` with its study.
"""

from absl import flags

from experiments.studies.running import run_study
from experiments.studies.study import Study
from experiments.studies.writing import (
    RECORDS_FILE,
    format_section,
    write_study,
    written_already,
)
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_path
from jaxfr.programs import data_flags, execution_flags, program, run_flags
from jaxfr.programs.execution_flags import (
    ANY_CODE_VERSION,
    run_options,
    store_path,
)
from jaxfr.programs.program import prepare_output
from jaxfr.programs.run_flags import flagged_request
from jaxfr.programs.running import opened_store
from jaxfr.records.pictures import can_draw
from jaxfr.sweeps.execution import start_devices
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.sweeps.readers import check_read
from jaxfr.sweeps.request import RunRequest

STORE_FOLDER = "store"

run_flags.define_run_flags(lists=("dataset",), seeds="0:5")
for _module in (run_flags, data_flags, execution_flags, program):
    flags.adopt_module_key_flags(_module)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    f"Folder for what is shown: {RECORDS_FILE} (a line for each run), every table as "
    "CSV, pictures as PNG, the findings, and the result store "
    f"{STORE_FOLDER} where --store names no other. Default: nothing is written.",
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite",
    False,
    "Whether files that exist already may be replaced; what is in a store stays.",
)


def main(study: Study) -> None:
    """Runs a study as the flags say, prints what it shows, and writes it.

    Raises:
        InvalidInputError: if a flag has no meaning here, files are in the way, or the
            study cannot be run.
    """
    check_left_to_study(study)
    bases = flagged_bases()
    wanted, folder = study.wanted(bases), None
    if wanted:
        check_read(wanted)
    else:  # what a study reads that needs no run, only it knows
        check_read(bases, ["synthetic"])
    if _OUTPUT_DIR.value is not None:
        planned = written_already(user_path(_OUTPUT_DIR.value, "output_dir"))
        folder = prepare_output(_OUTPUT_DIR.value, planned, _OVERWRITE.value)
    own_store = None if folder is None else folder / STORE_FOLDER
    options = run_options(start_devices)
    path = (store_path() or own_store) if wanted else None
    with opened_store(path, ANY_CODE_VERSION.value) as store:
        studied = run_study(
            study,
            bases,
            data_flags.load_options(),
            store,
            options,
            study.name,
        )
    written = []
    if folder is not None:
        written = write_study(folder, studied.section, studied.records)
    print(format_section(studied.section))
    if written:
        print(f"\nwrote {', '.join(written)} into {folder}")
        if studied.section.pictures and not can_draw():
            print("no pictures drawn: that needs pip install 'jaxfr[plots]'")


def flagged_bases() -> list[RunRequest]:
    """The runs that the flags name, for each data set and seed.

    Raises:
        InvalidInputError: if the seeds are none.
    """
    return [
        flagged_request(dataset=dataset, seed=seed)
        for dataset in flags.FLAGS.dataset
        for seed in parse_seeds(flags.FLAGS.seeds)
    ]


def check_left_to_study(study: Study) -> None:
    """Refuses flags of options that a study varies itself.

    Raises:
        InvalidInputError: names the first of them.
    """
    for name in study.decides:
        if flags.FLAGS["seeds" if name == "seed" else name].present:
            raise InvalidInputError(
                f"{name}: {study.name} varies it itself; it takes every option but "
                f"{', '.join(study.decides)}"
            )
