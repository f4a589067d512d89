"""The compiled program of a group of runs, and what names the batches that it runs."""

import functools
import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import NamedTuple, TypeVar

import jax
import numpy as np

from jaxfr.devices import num_cores
from jaxfr.evaluation.references import chance_of
from jaxfr.experiment import Experiment
from jaxfr.own_files import is_own
from jaxfr.platforms import on_cpu
from jaxfr.records.record import device_name
from jaxfr.sweeps.execution import Execution, ExecutionOptions, plan_execution
from jaxfr.sweeps.plan import PlannedRun, RunGroup
from jaxfr.sweeps.sources import Source, SourceName
from jaxfr.training.compiled import CompiledRuns, compile_to_fit
from jaxfr.training.layout import Layout, layout_for
from jaxfr.training.memory import available_memory

T = TypeVar("T")

# Programs that are compiled at once. Each takes a core, and a gigabyte or two.
MOST_AT_ONCE = 8

_DIGITS = 32


class GroupProgram(NamedTuple):
    """A group's program, ready to run."""

    group: RunGroup
    compiled: CompiledRuns  # for so many runs as memory holds at once
    execution: Execution  # how they are executed
    chance: dict[str, float]  # what their metrics are in a random order of items
    more_room: bool = False  # whether items have more room than at first


class GroupCompiler:
    """Compiles groups, some beside each other, and keeps the data laid out for them."""

    def __init__(
        self, sources: Mapping[SourceName, Source], options: ExecutionOptions
    ) -> None:
        """Compiles nothing yet, of groups with these data."""
        self._sources = sources
        self._options = options
        self._layout: tuple[tuple[object, ...], Layout] | None = None
        self._laying_out = threading.Lock()
        self._begun: dict[int, Future[GroupProgram]] = {}  # by the group's id

    def begin(self, groups: Sequence[RunGroup]) -> None:
        """Begins to compile groups in the background, as many as there are cores.

        To be called while no runs are under way: programs have room in the memory that
        is free then. Beside a GPU's runs more are compiled; a CPU's would take longer,
        and tell of it as their own, so that there all are compiled before one is run.

        Args:
            groups: those that are wanted next, the first one first; they outlive this.
        """
        if on_cpu() and self._begun:
            return
        available = available_memory()
        for group in groups[: min(num_cores(), MOST_AT_ONCE)]:
            if id(group) not in self._begun:
                compile_it = functools.partial(self._compile, group, False, available)
                self._begun[id(group)] = _in_background(compile_it)

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

        Waits for one that was begun. Refuses a group of which not even one run for each
        device fits into memory.
        """
        # Programs of earlier groups map memory in many pieces, which Linux bounds: some
        # fifty in one process and its compiler dies.
        jax.clear_caches()
        begun = None if more_room else self._begun.pop(id(group), None)
        if begun is not None:
            if on_cpu():
                wait((begun, *self._begun.values()))
            return begun.result()
        return self._compile(group, more_room)

    def _compile(
        self, group: RunGroup, more_room: bool, available: int | None = None
    ) -> GroupProgram:
        execution, source = self.execution(group), self._sources[group.source]
        experiment = group.experiment
        with self._laying_out:
            layout = self._laid_out(
                group.source, experiment, execution.spread, more_room
            )
        compiled = compile_to_fit(
            experiment,
            layout.with_room(group.malicious_clients),
            group.rounds,
            source.given,
            runs=execution.runs,
            devices=execution.divided,
            available=available,
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


def _in_background(function: Callable[[], T]) -> Future[T]:
    """What a function returns or raises, once a thread has done it."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=work).start()
    return future


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
