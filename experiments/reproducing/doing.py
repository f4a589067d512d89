"""Runs studies one after the other, and keeps what each shows for the page."""

import pathlib
import time
from collections.abc import Sequence

from experiments.report.chapter import Chapter
from experiments.reproducing.asking import Asked, Workload, command_of
from experiments.studies.running import Studied, run_study
from experiments.studies.study import Study
from experiments.studies.workload import seconds_left
from experiments.studies.writing import write_study
from jaxfr.files import note, user_errors
from jaxfr.store import Store
from jaxfr.sweeps.execution import RunOptions
from jaxfr.sweeps.forecast import format_duration


def reproduce_studies(
    studies: Sequence[Study],
    asked: Asked,
    workload: Workload,
    store: Store,
    options: RunOptions,
    folder: pathlib.Path,
) -> list[Chapter]:
    """Runs and presents all studies, and writes each one's files into its own folder.

    Args:
        studies: the studies.
        asked: what they are made from.
        workload: of these studies.
        store: where records are and go.
        options: how runs are executed.
        folder: in which each study has a folder.

    Returns:
        A chapter for each.

    Raises:
        InvalidInputError: if a run does not fit into memory, or something cannot be
            written.
    """
    chapters, taken, foretold = [], 0.0, 0.0
    for number, study in enumerate(studies):
        left = {run for runs in workload.runs[number:] for run in runs}
        seconds = seconds_left(workload.plan, left, store)
        own = seconds_left(workload.plan, set(workload.runs[number]), store)
        # Corrected by how long earlier studies took beside what was said of them.
        factor = taken / foretold if foretold else 1.0
        note(
            f"study {number + 1} of {len(studies)}, {study.name}; about "
            f"{format_duration(factor * seconds)} left for the runs of all"
        )
        begun = time.monotonic()
        own_folder = folder / study.name
        chapters.append(_reproduce(study, asked, store, options, own_folder))
        if own:
            taken, foretold = taken + time.monotonic() - begun, foretold + own
    return chapters


def _reproduce(
    study: Study,
    asked: Asked,
    store: Store,
    options: RunOptions,
    folder: pathlib.Path,
) -> Chapter:
    begun = time.monotonic()
    studied = run_study(study, asked.bases, asked.data_dir, store, options, study.name)
    with user_errors("make the output folder", folder):
        folder.mkdir(exist_ok=True)
    written = write_study(folder, studied.section, studied.records)
    return Chapter(
        name=study.name,
        section=studied.section,
        command=command_of(study, asked),
        runs=len({record["run"] for record in studied.records}),
        seconds=time.monotonic() - begun,
        images=_images(folder, studied, written),
    )


def _images(
    folder: pathlib.Path, studied: Studied, written: Sequence[str]
) -> dict[str, bytes]:
    names = [picture.name for picture in studied.section.pictures]
    return {name: (folder / name).read_bytes() for name in names if name in written}
