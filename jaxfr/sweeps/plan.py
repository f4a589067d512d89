"""Which runs there are, and which of them one compiled program serves."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxfr.data import LoadOptions
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import DEFAULT_NAMES
from jaxfr.evaluation.targets import DEFAULT_TARGETS
from jaxfr.store.identity import code_version, run_identity
from jaxfr.sweeps.settings import Settings, check_alone, resolve
from jaxfr.sweeps.sources import (
    Source,
    SourceName,
    check_source,
    load_sources,
    num_ranked,
    source_name,
)
from jaxfr.training.calls import Point
from jaxfr.training.settings import Configuration, Hyperparameters

# A name or path of data tells nothing of their content, of which there are hashes.
_NOT_IDENTIFYING = ("dataset", "synthetic", "init_from")

# Settings that came later: at these values runs are those of before.
_AS_BEFORE = {"metrics": DEFAULT_NAMES, "targets": DEFAULT_TARGETS}


class PlannedRun(NamedTuple):
    """One run.

    Attributes:
        run: its identity, see ``jaxfr/store/identity.py``.
        settings: its settings.
        hyperparameters: what differs between runs of one program.
        recorded: what its record says of its settings, data and code.
    """

    run: str
    settings: Settings
    hyperparameters: Hyperparameters
    recorded: Mapping[str, Any]

    @property
    def point(self) -> Point:
        """The run for its compiled program."""
        return Point(self.settings.seed, self.hyperparameters)

    @property
    def schedule(self) -> tuple[int, int]:
        """Its rounds and how often it is evaluated; one batch has one schedule."""
        return self.settings.rounds, self.settings.eval_every


@dataclasses.dataclass(frozen=True)
class RunGroup:
    """Runs of one compiled program.

    Attributes:
        source: their data.
        configuration: their static settings, with room for the most malicious clients
            of any.
        rounds: of the longest run.
        size: how many runs the group has in the whole sweep, of which a shard does
            some. It decides how runs are executed, so that a run ends with the same
            numbers in whichever shard, and after whichever interruption.
        runs: the runs, those of one schedule together.
    """

    source: SourceName
    configuration: Configuration
    rounds: int
    size: int
    runs: tuple[PlannedRun, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """All runs of a sweep.

    Attributes:
        sources: the data.
        groups: the runs by program.
    """

    sources: Mapping[SourceName, Source]
    groups: tuple[RunGroup, ...]

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs, group by group."""
        return tuple(run for group in self.groups for run in group.runs)


def check_all(wanted: Sequence[Settings]) -> None:
    """Refuses what can be seen to be wrong before any data is loaded.

    Raises:
        InvalidInputError: if some settings have no meaning.
    """
    for settings in wanted:
        check_alone(settings)


def plan_runs(
    wanted: Sequence[Settings], load_options: LoadOptions | None = None
) -> Plan:
    """Loads the data of all runs and groups those that one program serves.

    Args:
        wanted: the settings of the runs.
        load_options: how data are loaded; None for the defaults.

    Raises:
        InvalidInputError: if some settings have no meaning, or data cannot be loaded.
    """
    check_all(wanted)
    sources = load_sources(map(source_name, wanted), load_options)
    groups: dict[tuple[SourceName, Configuration], dict[str, PlannedRun]] = {}
    room: dict[tuple[SourceName, Configuration], int] = {}
    for settings in wanted:
        name = source_name(settings)
        configuration, planned = _plan_run(settings, sources[name])
        key = name, dataclasses.replace(configuration, malicious_clients=0)
        groups.setdefault(key, {})[planned.run] = planned
        room[key] = max(room.get(key, 0), configuration.malicious_clients)
    return Plan(
        sources,
        tuple(
            RunGroup(
                name,
                dataclasses.replace(
                    configuration, malicious_clients=room[name, configuration]
                ),
                max(run.settings.rounds for run in runs.values()),
                len(runs),
                tuple(sorted(runs.values(), key=lambda run: run.schedule)),
            )
            for (name, configuration), runs in groups.items()
        ),
    )


def identify(plan: Plan, wanted: Sequence[Settings]) -> list[str]:
    """The identity of each wanted run, in the order wanted.

    Settings that come to the same, as a number left to its default and the same number
    given, have the same run.

    Args:
        plan: from ``plan_runs`` of these settings, perhaps among others.
        wanted: settings.
    """
    return [
        _plan_run(settings, plan.sources[source_name(settings)])[1].run
        for settings in wanted
    ]


def take_shard(plan: Plan, index: int, count: int) -> Plan:
    """The part of a plan that one of several jobs does.

    Runs are dealt out one by one, so that all jobs have their share of every group,
    dear or cheap.

    Args:
        plan: the whole.
        index: which part, from 0.
        count: number of parts.

    Raises:
        InvalidInputError: if there is no such part.
    """
    if count < 1 or not 0 <= index < count:
        raise InvalidInputError(
            f"shard_index={index}: must be at least 0 and below num_shards={count}"
        )
    mine = {run.run for run in plan.runs[index::count]}
    groups = []
    for group in plan.groups:
        runs = tuple(run for run in group.runs if run.run in mine)
        if runs:
            groups.append(dataclasses.replace(group, runs=runs))
    return dataclasses.replace(plan, groups=tuple(groups))


def _plan_run(settings: Settings, source: Source) -> tuple[Configuration, PlannedRun]:
    check_source(settings, source)
    resolved = resolve(settings, source.dataset.num_users)
    contents = {"dataset_hash": source.dataset_hash, "given_hash": source.given_hash}
    deciding = {
        name: value
        for name, value in resolved.recorded.items()
        if name not in _NOT_IDENTIFYING
        and (name not in _AS_BEFORE or value != _AS_BEFORE[name])
    }
    code = code_version()
    run = run_identity({**deciding, **contents}, code)
    recorded = {
        "run": run,
        **resolved.recorded,
        "num_ranked": num_ranked(settings, source.dataset),
        **contents,
        "code_version": code,
    }
    planned = PlannedRun(run, settings, resolved.hyperparameters, recorded)
    return resolved.configuration, planned
