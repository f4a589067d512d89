"""What is to be reproduced, and whether it can be."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from experiments.report.chapter import DataSource
from experiments.studies.study import Study
from jaxfr.data import LoadOptions
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps import (
    Plan,
    RunRequest,
    Source,
    identify,
    load_sources,
    plan_runs,
    source_name,
)


class Asked(NamedTuple):
    """What somebody wants reproduced.

    Attributes:
        bases: the runs of each data set and seed, data set by data set.
        seeds: the seeds as they were written.
        studies: names of studies; none for all.
        quick: whether what is slow is left out.
        load_options: how data are loaded; None for the defaults.
        output_dir: folder of what is written.
        store: folder of the result store, None for one in ``output_dir``.
    """

    bases: tuple[RunRequest, ...]
    seeds: str
    studies: tuple[str, ...]
    quick: bool
    load_options: LoadOptions | None
    output_dir: str
    store: str | None


class Workload(NamedTuple):
    """All runs of all studies.

    Attributes:
        plan: each of them once.
        runs: the identities of each study's own, in the order of the studies.
        data: the data sets.
    """

    plan: Plan
    runs: tuple[tuple[str, ...], ...]
    data: tuple[DataSource, ...]


def load_all(studies: Sequence[Study], asked: Asked) -> Workload:
    """Loads all data and plans all runs.

    Args:
        studies: the studies.
        asked: what they are to be made from.

    Raises:
        InvalidInputError: if data cannot be loaded, or runs have no meaning.
    """
    names = list(dict.fromkeys(map(source_name, asked.bases)))
    data = []
    for name in names:
        try:
            source = load_sources([name], asked.load_options)[name]
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{error}. (--dataset=... names the data sets to reproduce on.)"
            ) from None
        data.append(_describe(source))
    wanted = [study.wanted(asked.bases) for study in studies]
    plan = plan_runs([run for runs in wanted for run in runs], asked.load_options)
    return Workload(
        plan, tuple(tuple(identify(plan, runs)) for runs in wanted), tuple(data)
    )


def command(asked: Asked, studies: Sequence[str]) -> str:
    """The command that reproduces some studies.

    Args:
        asked: what was asked for.
        studies: their names; none for all.
    """
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
    """The flags for the same data, seeds, rounds and store.

    Args:
        asked: what was asked for.
        decided: options that may not be named.
    """
    base, defaults = asked.bases[0], RunRequest()
    datasets = dict.fromkeys(base.dataset for base in asked.bases)
    words = [f"--dataset={','.join(datasets)}", f"--seeds={asked.seeds}"]
    for name in ("synthetic", "rounds"):
        value = getattr(base, name)
        if value != getattr(defaults, name) and name not in decided:
            words.append(f"--{name}={value}")
    loading = asked.load_options or LoadOptions()
    if loading.data_dir is not None:
        words.append(f"--data_dir={loading.data_dir}")
    words += [f"--{name}={value}" for name, value in loading.table.given().items()]
    words.append(f"--store={asked.store or f'{asked.output_dir}/store'}")
    return words


def _describe(source: Source) -> DataSource:
    dataset = source.dataset
    return DataSource(
        dataset.name,
        f"{dataset.num_users:,} users, {dataset.num_items:,} items, "
        f"{dataset.num_pairs:,} interactions",
        source.dataset_hash,
    )
