"""Runs studies one after the other, and keeps what each shows for the page.

The runs of one program are done together, at the first study that needs any of them,
so that no program is compiled for each study anew.
"""

import dataclasses
import pathlib
import time
from collections.abc import Collection, Sequence

from experiments.report.chapter import Chapter
from experiments.reproducing.asking import Asked, Workload, command_of
from experiments.studies.running import Studied, finish_runs, present_study
from experiments.studies.study import Study
from experiments.studies.workload import seconds_left
from experiments.studies.writing import write_study
from jaxfr.files import note, user_errors
from jaxfr.store import Store
from jaxfr.sweeps import Plan, RunOptions, format_duration


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
    chapters: list[Chapter] = []
    taken, foretold = 0.0, 0.0
    for number, study in enumerate(studies):
        own = whole_programs(workload.plan, workload.runs[number])
        seconds = seconds_left(own, store)
        # Corrected by how long earlier studies took beside what was said of them.
        factor = taken / foretold if foretold else 1.0
        left = factor * seconds_left(workload.plan, store)
        note(
            f"study {number + 1} of {len(studies)}, {study.name}; about "
            f"{format_duration(left)} left for the runs of all"
        )
        begun = time.monotonic()
        finish_runs(own, store, options, study.name)
        studied = present_study(
            study, asked.bases, asked.load_options, workload.runs[number], store
        )
        images = _write(studied, folder / study.name)
        chapters.append(
            Chapter(
                name=study.name,
                section=studied.section,
                command=command_of(study, asked),
                runs=len(set(workload.runs[number])),
                seconds=time.monotonic() - begun,
                images=images,
            )
        )
        if seconds:
            taken, foretold = taken + chapters[-1].seconds, foretold + seconds
    return chapters


def whole_programs(plan: Plan, runs: Collection[str]) -> Plan:
    """The part of a plan that is the programs of some runs, with all of their runs.

    Args:
        plan: the whole.
        runs: identities.
    """
    wanted = set(runs)
    groups = tuple(
        group
        for group in plan.groups
        if not wanted.isdisjoint(planned.identity for planned in group.runs)
    )
    return dataclasses.replace(plan, groups=groups)


def _write(studied: Studied, folder: pathlib.Path) -> dict[str, bytes]:
    """Writes a study's files and returns those of its pictures that were drawn."""
    with user_errors("make the output folder", folder):
        folder.mkdir(exist_ok=True)
    written = write_study(folder, studied.section, studied.records)
    names = [picture.name for picture in studied.section.pictures]
    return {name: (folder / name).read_bytes() for name in names if name in written}
