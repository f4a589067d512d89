"""Runs what a plan holds and a store lacks, batch by batch."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jaxfr.checkpoints import CheckpointKeeper, CheckpointSettings, prepare_directory
from jaxfr.files import note
from jaxfr.records.results import Record, make_record
from jaxfr.store import Store
from jaxfr.sweeps.bench import Bench, Prepared
from jaxfr.sweeps.checkpoints import as_checkpoints, keeper_of_batch
from jaxfr.sweeps.execution import recorded
from jaxfr.sweeps.plan import Plan, PlannedRun, RunGroup
from jaxfr.training.calls import measure_evaluation
from jaxfr.training.host import Run, run_batch
from jaxfr.training.programs import Programs

# How often to look whether other processes finished what is in their hands.
_SECONDS_BETWEEN_LOOKS = 1.0


class FinishedRun(NamedTuple):
    """A run that this process finished, its record in the store.

    Attributes:
        group: its group.
        planned: what was planned.
        programs: what ran it.
        run: how it ended.
        record: what is written of it.
    """

    group: RunGroup
    planned: PlannedRun
    programs: Programs
    run: Run
    record: Record


class Watcher(NamedTuple):
    """Whom to tell of what happens.

    Attributes:
        compiling: told which group is being compiled.
        rounds: told how many more rounds are finished, by whomever.
        waiting: told how many runs are left, all of them in other hands.
        say: told, in a line, what becomes of checkpoints.
    """

    compiling: Callable[[RunGroup], Any] = lambda group: None
    rounds: Callable[[int], Any] = lambda finished: None
    waiting: Callable[[int], Any] = lambda left: None
    say: Callable[[str], Any] = note


def run_plan(
    plan: Plan,
    store: Store,
    devices: int,
    runs_at_once: int = 0,
    watcher: Watcher = Watcher(),  # noqa: B008 (immutable)
    checkpoints: CheckpointSettings | None = None,
) -> Iterator[FinishedRun]:
    """Runs all that is not in the store, and waits for what others are running.

    Other processes may do the same with the same store at the same time: a run is
    done by whoever claims it first, and taken over if its owner dies.

    Args:
        plan: the runs.
        store: where records go; at the end it holds one of every run.
        devices: number of devices, from ``start_devices``.
        runs_at_once: runs in a call of a program, 0 for what suits the platform.
        watcher: whom to tell.
        checkpoints: where batches are saved on their way, and gone on with after a
            kill; None for nowhere. Those of a batch are removed once its records are in
            the store and its runs were taken from this iterator.

    Yields:
        Each run that this process does, once its record is in the store.

    Raises:
        InvalidInputError: if the store cannot be written, a run does not fit into
            memory, or the directory of checkpoints cannot be written.
    """
    if checkpoints is not None:
        prepare_directory(checkpoints)
    bench = Bench(plan, devices, runs_at_once)
    unknown = {run.run: run.settings.rounds for run in plan.runs}
    told = False
    while True:
        groups = [group for group in plan.groups if _unfinished(group, store)]
        _tell_of_finished(unknown, store, watcher)
        if not groups:
            return
        group = _next_group(groups, store)
        if group is not None:
            yield from _run_group(group, bench, store, unknown, watcher, checkpoints)
            told = False
            continue
        if not told:
            watcher.waiting(sum(len(_unfinished(group, store)) for group in groups))
            told = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _run_group(
    group: RunGroup,
    bench: Bench,
    store: Store,
    unknown: dict[str, int],
    watcher: Watcher,
    checkpoints: CheckpointSettings | None,
) -> Iterator[FinishedRun]:
    """Runs what is left of one group, as far as it is in nobody's hands."""
    execution, prepared, evaluation = bench.execution(group), None, 0.0
    schedules = _by_schedule(group)
    while batch := _claim(schedules, store, execution.runs):
        if prepared is None:
            watcher.compiling(group)
            prepared = bench.prepare(group)
            execution = prepared.execution
            evaluation = measure_evaluation(prepared.programs, batch[0].point)
        for planned in batch:
            # Its rounds are told while it runs.
            unknown.pop(planned.run, None)
        finished, keepers = [], []
        for first in range(0, len(batch), execution.runs):
            some, keeper = batch[first : first + execution.runs], None
            if checkpoints is not None:
                keeper = keeper_of_batch(
                    checkpoints, group, prepared, some, watcher.say
                )
                keepers.append(keeper)
            finished += _run_some(group, prepared, evaluation, some, watcher, keeper)
        store.append([done.record for done in finished])
        yield from finished
        for keeper in keepers:
            keeper.remove()
        prepared = prepared._replace(programs=prepared.programs._replace(seconds=0.0))
        _tell_of_finished(unknown, store, watcher)


def _run_some(
    group: RunGroup,
    prepared: Prepared,
    evaluation: float,
    batch: Sequence[PlannedRun],
    watcher: Watcher,
    keeper: CheckpointKeeper | None,
) -> list[FinishedRun]:
    """Runs a batch of one schedule."""
    programs, points = prepared.programs, [planned.point for planned in batch]
    runs = run_batch(
        programs,
        evaluation,
        points,
        *batch[0].schedule,
        watcher.rounds,
        as_checkpoints(keeper),
    )
    return [
        FinishedRun(
            group,
            planned,
            programs,
            run,
            make_record({**planned.recorded, **recorded(prepared.execution)}, run),
        )
        for planned, run in zip(batch, runs, strict=True)
    ]


def _by_schedule(group: RunGroup) -> list[dict[str, PlannedRun]]:
    """A group's runs by their identity, those of one schedule together."""
    schedules: dict[tuple[int, int], dict[str, PlannedRun]] = {}
    for planned in group.runs:
        schedules.setdefault(planned.schedule, {})[planned.run] = planned
    return list(schedules.values())


def _claim(
    schedules: Sequence[dict[str, PlannedRun]], store: Store, at_most: int
) -> list[PlannedRun]:
    """Claims some runs of one schedule."""
    for runs in schedules:
        claimed = store.claim(list(runs), at_most)
        if claimed:
            return [runs[run] for run in claimed]
    return []


def _next_group(groups: Sequence[RunGroup], store: Store) -> RunGroup | None:
    """A group with runs in nobody's hands, if possible one that no other compiles."""
    left = {
        index: [planned.run for planned in _unfinished(group, store)]
        for index, group in enumerate(groups)
    }
    taken = store.in_other_hands([run for runs in left.values() for run in runs])
    to_do = [index for index, runs in left.items() if not taken.issuperset(runs)]
    untouched = [index for index in to_do if taken.isdisjoint(left[index])]
    return groups[(untouched or to_do)[0]] if to_do else None


def _unfinished(group: RunGroup, store: Store) -> list[PlannedRun]:
    return [planned for planned in group.runs if not store.is_finished(planned.run)]


def _tell_of_finished(unknown: dict[str, int], store: Store, watcher: Watcher) -> None:
    """Tells of runs that this process did not run and that are finished."""
    found = [run for run in unknown if store.is_finished(run)]
    if found:
        watcher.rounds(sum(unknown.pop(run) for run in found))
