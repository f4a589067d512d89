"""The compiled program of a group of runs, and what names the batches that it runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np

from jaxfr.evaluation.references import chance_of
from jaxfr.experiment import Experiment
from jaxfr.own_files import is_own
from jaxfr.records.record import device_name
from jaxfr.sweeps.execution import Execution, ExecutionOptions, plan_execution
from jaxfr.sweeps.plan import PlannedRun, RunGroup
from jaxfr.sweeps.sources import Source, SourceName
from jaxfr.training.compiled import CompiledRuns, compile_to_fit
from jaxfr.training.layout import Layout, layout_for

_DIGITS = 32


class GroupProgram(NamedTuple):
    """A group's program, ready to run."""

    group: RunGroup
    compiled: CompiledRuns  # for so many runs as memory holds at once
    execution: Execution  # how they are executed
    chance: dict[str, float]  # what their metrics are in a random order of items
    more_room: bool = False  # whether items have more room than at first


class GroupCompiler:
    """Compiles one group after another, and keeps the data laid out between them."""

    def __init__(
        self, sources: Mapping[SourceName, Source], options: ExecutionOptions
    ) -> None:
        """Compiles nothing yet, of groups with these data."""
        self._sources = sources
        self._options = options
        self._layout: tuple[tuple[object, ...], Layout] | None = None

    def execution(self, group: RunGroup) -> Execution:
        """How a group's runs are executed, as long as memory does not forbid it.

        Spread over devices, an attack or a stage has one device's rows in hand, which
        one of somebody's own need not know.
        """
        experiment = group.experiment
        own = any(map(is_own, (experiment.attack, experiment.aggregator)))
        return plan_execution(group.size, self._options, may_spread=not own)

    def compile(self, group: RunGroup, more_room: bool = False) -> GroupProgram:
        """Compiles a group's program, with ``more_room`` for items' rows if wanted.

        Refuses a group of which not even one run for each device fits into memory.
        """
        # Programs of earlier groups map memory in many pieces, which Linux bounds: some
        # fifty in one process and its compiler dies.
        jax.clear_caches()
        execution, source = self.execution(group), self._sources[group.source]
        experiment = group.experiment
        layout = self._laid_out(group.source, experiment, execution.spread, more_room)
        compiled = compile_to_fit(
            experiment,
            layout.with_room(group.malicious_clients),
            group.rounds,
            source.given,
            runs=execution.runs,
            devices=execution.divided,
            folder=self._options.programs,
        )
        chance = chance_of(
            experiment.metrics,
            experiment.ranking,
            experiment.num_candidates,
            source.dataset,
        )
        execution = execution._replace(runs=compiled.runs)
        return GroupProgram(group, compiled, execution, chance, more_room)

    def _laid_out(
        self, name: SourceName, experiment: Experiment, devices: int, more_room: bool
    ) -> Layout:
        neighbours = experiment.model.make().neighbours_per_item > 0
        wanted = name, devices, experiment.pseudo_items, neighbours, more_room
        kept = self._layout
        if kept is None or kept[0] != wanted:
            self._layout = None  # before the next one needs its memory
            source = self._sources[name]
            negatives = source.given.negatives
            layout = layout_for(
                experiment,
                source.dataset,
                devices,
                more_room,
                None if negatives is None else np.asarray(negatives),
            )
            self._layout = kept = wanted, layout
        return kept[1]


def batch_identity(program: GroupProgram, batch: Sequence[PlannedRun]) -> str:
    """Names a batch after all that decides the bits that it ends with, in 32 digits.

    Those are its runs in their order, each with its options, data, code and libraries;
    what the group's other runs do to the program (room for clients, rounds in a call),
    whether items have more room, how it is executed, on which kind of device and by how
    many processes.
    """
    deciding = {
        "runs": [planned.identity for planned in batch],
        "schedule": batch[0].schedule,
        "malicious_clients": program.group.malicious_clients,
        "rounds_per_call": program.compiled.rounds_per_call,
        "more_room": program.more_room,
        "execution": program.execution._asdict(),
        "device": device_name(),
        "processes": jax.process_count(),
    }
    text = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
