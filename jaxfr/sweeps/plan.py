"""Which runs there are, and which of them one compiled program serves."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import jax

from jaxfr.attacks import CLEAN, CLEAN_RUN
from jaxfr.data import Dataset, LoadOptions
from jaxfr.data.datasets import dataset_name
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.store.identity import code_version, run_identity
from jaxfr.sweeps.request import (
    RunRequest,
    check_alone,
    flags_of,
    modules_of_parts,
    recorded_options,
)
from jaxfr.sweeps.sources import (
    Source,
    SourceName,
    check_source,
    load_sources,
    num_ranked,
    source_name,
)
from jaxfr.texts import EXPERIMENT_OPTIONS
from jaxfr.training.checks import check_attack

# A name or path of data tells nothing of their content, of which there are hashes.
_NOT_IDENTIFYING = ("dataset", "init_from")

# What stands in every program's title.
_NAMED = ("attack", "aggregator")

# What all runs of a program are the same in, and what tells programs apart.
Kind = tuple[SourceName, Any, int]


class PlannedRun(NamedTuple):
    """One run."""

    identity: str  # its name in a store, see jaxfr/store/identity.py
    request: RunRequest  # what was wanted
    experiment: Experiment  # with these data, see Experiment.with_data
    recorded: Mapping[str, Any]  # what its record says of options, data and code

    @property
    def schedule(self) -> tuple[int, int]:
        """Its rounds and how often it is evaluated; one batch has one schedule."""
        return self.request.rounds, self.request.eval_every


@dataclasses.dataclass(frozen=True)
class RunGroup:
    """Runs of one compiled program.

    How many a shard's group has in the whole sweep decides how runs are executed, so
    that a run ends with the same numbers in whichever shard, and after whichever
    interruption.
    """

    source: SourceName  # their data
    experiment: Experiment  # that of one of them, of which all have the structure
    malicious_clients: int  # the most of any
    rounds: int  # of the longest run
    size: int  # how many runs the whole sweep has of it
    runs: tuple[PlannedRun, ...]  # those of one schedule together

    @property
    def title(self) -> str:
        """Names its data, attack and aggregator, and what is unusual."""
        texts, usual = self.runs[0].request.texts(), RunRequest().texts()
        attack = CLEAN_RUN if texts["attack"] == CLEAN else texts["attack"]
        words = [dataset_name(self.source.dataset), attack, texts["aggregator"]]
        for name, option in EXPERIMENT_OPTIONS.items():
            if name in texts and not option.traced and name not in _NAMED:
                words += [f"{name}={texts[name]}"] * (texts[name] != usual[name])
        return " ".join(word for word in words if word)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All runs of a sweep: their data, and the runs by program.

    ``identities`` are those of each run that was wanted, of a shard also the others'.
    """

    sources: Mapping[SourceName, Source]
    groups: tuple[RunGroup, ...]
    identities: Mapping[RunRequest, str]
    all_groups: tuple[RunGroup, ...]  # those of all that was wanted; here a part of it
    shard: str = ""  # which part, as in "3 of 10"; empty where it is no job's share

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs, group by group."""
        return tuple(run for group in self.groups for run in group.runs)


def check_all(wanted: Sequence[RunRequest]) -> None:
    """Refuses what can be seen to be wrong before any data is loaded."""
    for setting in dict.fromkeys(map(_without_seed, wanted)):
        check_alone(setting)


def _without_seed(request: RunRequest) -> RunRequest:
    """What runs that differ in their seed only have in common, a run of seed 0."""
    return dataclasses.replace(request, seed=0)


def plan_runs(
    wanted: Sequence[RunRequest],
    load_options: LoadOptions | None = None,
    loaded: Mapping[str, Dataset] = MappingProxyType({}),
) -> Plan:
    """Loads the data of all runs and groups those that one program serves.

    ``loaded`` has data sets that are there already, by what runs call them. Runs
    without a meaning are refused.
    """
    settings = [_without_seed(request) for request in wanted]
    distinct = tuple(dict.fromkeys(settings))
    check_all(distinct)
    sources = load_sources(map(source_name, distinct), load_options, loaded)
    settled: dict[RunRequest, tuple[Kind, _Settled]] = {}
    for setting in distinct:
        name = source_name(setting)
        found = _settle(setting, sources[name], load_options or LoadOptions())
        structure = jax.tree.structure(found.experiment)
        settled[setting] = (name, structure, _room_class(found.experiment)), found
    groups: dict[Kind, dict[str, PlannedRun]] = {}
    identities: dict[RunRequest, str] = {}
    for request, setting in zip(wanted, settings, strict=True):
        kind, found = settled[setting]
        planned = _with_seed(found, request)
        groups.setdefault(kind, {})[planned.identity] = planned
        identities[request] = planned.identity
    made = tuple(
        _group(name, list(runs.values())) for (name, *_), runs in groups.items()
    )
    return Plan(sources, made, identities, all_groups=made)


def _room_class(experiment: Experiment) -> int:
    """The same for runs that may share room for malicious clients.

    Where each of them sends rows of its own, a run costs by how many its program has
    room for, and is to have room for less than four times its own: k for up to 4^k.
    """
    if not experiment.attack.make().sends_own_rows:
        return 0
    bits = (int(experiment.malicious_clients or 1) - 1).bit_length()
    return (bits + 1) // 2


def _group(name: SourceName, runs: Sequence[PlannedRun]) -> RunGroup:
    return RunGroup(
        name,
        runs[0].experiment,
        max(run.recorded["malicious_clients"] for run in runs),
        max(run.request.rounds for run in runs),
        len(runs),
        tuple(sorted(runs, key=lambda run: run.schedule)),
    )


def identify(plan: Plan, wanted: Sequence[RunRequest]) -> list[str]:
    """The identity of each wanted run, of a plan of these runs and perhaps others.

    What comes to the same, as a number left to its default and the same number given,
    is the same run.
    """
    return [plan.identities[request] for request in wanted]


def take_shard(plan: Plan, index: int, count: int) -> Plan:
    """The part of a plan that one of ``count`` jobs does, the first of index 0.

    Runs are dealt out one by one, so that all jobs have their share of every group,
    dear or cheap.
    """
    if count < 1 or not 0 <= index < count:
        raise InvalidInputError(
            f"shard_index={index}: must be at least 0 and below num_shards={count}"
        )
    mine = {run.identity for run in plan.runs[index::count]}
    groups = []
    for group in plan.groups:
        runs = tuple(run for run in group.runs if run.identity in mine)
        if runs:
            groups.append(dataclasses.replace(group, runs=runs))
    shard = f"{index + 1} of {count}" if count > 1 else ""
    return dataclasses.replace(plan, groups=tuple(groups), shard=shard)


class _Settled(NamedTuple):
    """What is found of a setting for runs of all seeds, see ``PlannedRun``."""

    experiment: Experiment
    recorded: Mapping[str, Any]  # but for the run's name, and of seed 0
    deciding: Mapping[str, Any]  # of seed 0: what names a run, but for the code


def _settle(request: RunRequest, source: Source, load_options: LoadOptions) -> _Settled:
    check_source(request, source)
    dataset = source.dataset
    experiment = request.experiment.with_data(dataset.num_users, request.dataset)
    check_attack(experiment, experiment.malicious_clients or 0, request.rounds)
    options = recorded_options(request, experiment)
    contents = {"dataset_hash": source.dataset_hash, "given_hash": source.given_hash}
    recorded = {
        **options,
        "dataset": dataset_name(request.dataset),
        "num_ranked": num_ranked(experiment, dataset),
        **contents,
        "code_version": code_version(modules_of_parts(request)),
        "flags": flags_of(request, load_options.given()),
    }
    deciding = {k: v for k, v in options.items() if k not in _NOT_IDENTIFYING}
    return _Settled(experiment, recorded, {**deciding, **contents})


def _with_seed(settled: _Settled, request: RunRequest) -> PlannedRun:
    seed = {"seed": request.seed}
    run = run_identity({**settled.deciding, **seed}, settled.recorded["code_version"])
    recorded = {"run": run, **settled.recorded, **seed}
    return PlannedRun(run, request, settled.experiment, recorded)
