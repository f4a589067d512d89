"""What is to be reproduced, and the studies' chapters, one after the other.

The runs of one program are done together, at the first study that needs any of them,
so that no program is compiled for each study anew.
"""

import dataclasses
import pathlib
import shlex
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple

from experiments.report.content import Chapter, DataSource
from experiments.studies.base import Study
from experiments.studies.runs import finish_runs, present_study, seconds_left
from experiments.studies.writing import write_study
from jaxfr.data import LoadOptions
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors
from jaxfr.programs.progress import tell
from jaxfr.records import WIDTHS
from jaxfr.store import Store
from jaxfr.sweeps import (
    ExecutionOptions,
    Plan,
    RunRequest,
    format_duration,
    identify,
    load_sources,
    plan_runs,
    source_name,
)


class Asked(NamedTuple):
    """What somebody wants reproduced."""

    bases: tuple[RunRequest, ...]  # for each data set and seed, data set by data set
    seeds: str  # as they were written
    studies: tuple[str, ...]  # their names; none for all
    quick: bool  # whether what is slow is left out
    load_options: LoadOptions | None  # how data are loaded; None for the defaults
    output_dir: str  # folder of what is written
    store: str | None  # folder of the result store; None for one in output_dir
    figure_width: str = "text"  # of WIDTHS


class Workload(NamedTuple):
    """All runs of all studies, those of each study by identity, and the data sets."""

    plan: Plan
    runs: tuple[tuple[str, ...], ...]
    data: tuple[DataSource, ...]


def load_all(studies: Sequence[Study], asked: Asked) -> Workload:
    """Loads all data and plans all runs."""
    data = []
    for name in dict.fromkeys(map(source_name, asked.bases)):
        try:
            source = load_sources([name], asked.load_options)[name]
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{error}. (--dataset=... names the data sets to reproduce on.)"
            ) from None
        dataset = source.dataset
        size = (
            f"{dataset.num_users:,} users, {dataset.num_items:,} items, "
            f"{dataset.num_pairs:,} interactions"
        )
        data.append(DataSource(dataset.name, size, source.dataset_hash))
    wanted = [study.wanted(asked.bases) for study in studies]
    plan = plan_runs([run for runs in wanted for run in runs], asked.load_options)
    runs = tuple(tuple(identify(plan, of_study)) for of_study in wanted)
    return Workload(plan, runs, tuple(data))


# --- Commands ---


def command(asked: Asked, studies: Sequence[str]) -> str:
    """The command that reproduces some studies, by their names; none for all."""
    chosen = [f"--studies={','.join(studies)}"] if studies else []
    quick = ["--quick"] if asked.quick else []
    words = *quick, *chosen, *_flags(asked, ()), f"--output_dir={asked.output_dir}"
    return shlex.join(("python", "-m", "experiments.reproduce", *words))


def command_of(study: Study, asked: Asked) -> str:
    """The command that makes one study alone.

    That is ``experiments.study``, unless what is slow was left out of it.
    """
    if asked.quick:
        return command(asked, [study.name])
    folder = f"--output_dir={asked.output_dir}/{study.name}"
    words = study.name, *_flags(asked, study.decides), folder
    return shlex.join(("python", "-m", "experiments.study", *words))


def _flags(asked: Asked, decided: Sequence[str]) -> list[str]:
    """The flags for the same data, seeds, rounds and store."""
    base, defaults = asked.bases[0], RunRequest()
    datasets = dict.fromkeys(base.dataset for base in asked.bases)
    words = [f"--dataset={','.join(datasets)}", f"--seeds={asked.seeds}"]
    if base.rounds != defaults.rounds and "rounds" not in decided:
        words.append(f"--rounds={base.rounds}")
    loading = asked.load_options or LoadOptions()
    if loading.data_dir is not None:
        words.append(f"--data_dir={loading.data_dir}")
    words += [f"--{name}={value}" for name, value in loading.table.given().items()]
    if asked.figure_width != "text":
        words.append(f"--figure_width={asked.figure_width}")
    words.append(f"--store={asked.store or f'{asked.output_dir}/store'}")
    return words


# --- Chapters ---


def reproduce_studies(
    studies: Sequence[Study],
    asked: Asked,
    workload: Workload,
    store: Store,
    options: ExecutionOptions,
    folder: pathlib.Path,
) -> list[Chapter]:
    """Runs and presents all studies, and writes each one's files into its folder."""
    chapters: list[Chapter] = []
    taken, foretold = 0.0, 0.0
    for number, study in enumerate(studies):
        runs = workload.runs[number]
        own = whole_programs(workload.plan, runs)
        seconds = seconds_left(own, store)
        # Corrected by how long earlier studies took beside what was said of them.
        factor = taken / foretold if foretold else 1.0
        left = factor * seconds_left(workload.plan, store)
        tell(
            f"study {number + 1} of {len(studies)}, {study.name}; about "
            f"{format_duration(left)} left for the runs of all"
        )
        begun = time.monotonic()
        finish_runs(own, store, options, study.name)
        studied = present_study(study, asked.bases, asked.load_options, runs, store)
        path = folder / study.name
        with user_errors("make the output folder", path):
            path.mkdir(exist_ok=True)
        written = write_study(
            path, studied.section, studied.records, WIDTHS[asked.figure_width]
        )
        names = [picture.name for picture in studied.section.pictures]
        chapters.append(
            Chapter(
                name=study.name,
                section=studied.section,
                command=command_of(study, asked),
                runs=len(set(runs)),
                seconds=time.monotonic() - begun,
                images={n: (path / n).read_bytes() for n in names if n in written},
            )
        )
        if seconds:
            taken, foretold = taken + chapters[-1].seconds, foretold + seconds
    return chapters


def whole_programs(plan: Plan, runs: Collection[str]) -> Plan:
    """The part of a plan that is the programs of some runs, with all of their runs."""
    wanted = set(runs)
    groups = tuple(
        group
        for group in plan.groups
        if not wanted.isdisjoint(planned.identity for planned in group.runs)
    )
    return dataclasses.replace(plan, groups=groups)
