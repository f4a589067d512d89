"""Runs what a plan holds and a store lacks, batch by batch."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions, prepare_directory
from jaxfr.errors import InvalidInputError
from jaxfr.files import note
from jaxfr.processes import agree, is_leader
from jaxfr.records.results import Record, make_record
from jaxfr.store import Store
from jaxfr.sweeps.bench import Bench, Prepared
from jaxfr.sweeps.checkpoints import as_checkpoints, keeper_of_batch
from jaxfr.sweeps.execution import RunOptions, recorded
from jaxfr.sweeps.plan import Plan, PlannedRun, RunGroup
from jaxfr.sweeps.request import keep_own_files
from jaxfr.training.calls import measure_evaluation
from jaxfr.training.host import NoRoomError, Run, run_batch
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
    options: RunOptions,
    watcher: Watcher = Watcher(),  # noqa: B008 (immutable)
) -> Iterator[FinishedRun]:
    """Runs all that is not in the store, and waits for what others are running.

    Other processes may do the same with the same store at the same time: a run is
    done by whoever claims it first, and taken over if its owner dies. Processes that do
    every run together (see ``jaxfr/processes.py``) go by the store of their leader.

    Args:
        plan: the runs.
        store: where records go; at the end it holds one of every run.
        options: how runs are executed. Checkpoints of a batch are removed once its
            records are in the store and its runs were taken from this iterator.
        watcher: whom to tell.

    Yields:
        Each run that this process does, once its record is in the store.

    Raises:
        InvalidInputError: if the store cannot be written, a run does not fit into
            memory, or the directory of checkpoints cannot be written.
    """
    if options.checkpoints is not None:
        prepare_directory(options.checkpoints)
    if is_leader():
        keep_own_files((run.request for run in plan.runs), store.path)
    bench = Bench(plan, options)
    unknown = {run.run: run.request.rounds for run in plan.runs}
    told = False
    while True:
        left, chosen = agree(lambda: _next_group(plan.groups, store))
        _tell_of_finished(unknown, store, watcher)
        if left == 0:
            return
        if chosen is not None:
            group = plan.groups[chosen]
            yield from _run_group(
                group, bench, store, unknown, watcher, options.checkpoints
            )
            told = False
            continue
        if not told:
            watcher.waiting(left)
            told = True
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _run_group(
    group: RunGroup,
    bench: Bench,
    store: Store,
    unknown: dict[str, int],
    watcher: Watcher,
    checkpoints: CheckpointOptions | None,
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
        runner = _Runner(group, bench, evaluation, watcher, checkpoints)
        finished, keepers = _run_claimed(runner, prepared, batch)
        agree(functools.partial(store.append, [done.record for done in finished]))
        yield from finished
        for keeper in keepers:
            keeper.remove()
        prepared = prepared._replace(programs=prepared.programs._replace(seconds=0.0))
        _tell_of_finished(unknown, store, watcher)


class _Runner(NamedTuple):
    """What runs of one group have in common."""

    group: RunGroup
    bench: Bench
    evaluation: float
    watcher: Watcher
    checkpoints: CheckpointOptions | None


def _run_claimed(
    runner: _Runner, prepared: Prepared, claimed: Sequence[PlannedRun]
) -> tuple[list[FinishedRun], list[CheckpointKeeper]]:
    """Runs some runs of one schedule, as many at once as the program takes.

    Where an item receives more rows than there is room for, which may happen to one run
    in a thousand, those at once are done again by a program with more room.
    """
    finished, keepers, at_once = [], [], prepared.execution.runs
    for first in range(0, len(claimed), at_once):
        batch, keeper = claimed[first : first + at_once], None
        if runner.checkpoints is not None:
            keeper = keeper_of_batch(
                runner.checkpoints, runner.group, prepared, batch, runner.watcher.say
            )
            keepers.append(keeper)
        try:
            finished += _run_batch(runner, prepared, batch, keeper)
        except NoRoomError as error:
            if prepared.more_room:
                raise
            runner.watcher.say(f"jaxfr: {error}; once more, with more room")
            runner.watcher.rounds(-sum(one.request.rounds for one in batch))
            roomy = runner.bench.prepare(runner.group, more_room=True)
            again = _run_claimed(runner, roomy, batch)
            finished += again[0]
            keepers += again[1]
    return finished, keepers


def _run_batch(
    runner: _Runner,
    prepared: Prepared,
    batch: Sequence[PlannedRun],
    keeper: CheckpointKeeper | None,
) -> list[FinishedRun]:
    """Runs a batch of one schedule."""
    # What decides last bits besides the run's identity.
    beside = {
        "room_for_malicious_clients": runner.group.malicious_clients,
        **recorded(prepared.execution),
        "chance": prepared.chance,
    }
    programs, points = prepared.programs, [planned.point for planned in batch]
    metrics = programs.experiment.metrics
    runs = run_batch(
        programs,
        runner.evaluation,
        points,
        *batch[0].schedule,
        runner.watcher.rounds,
        as_checkpoints(keeper),
    )
    return [
        FinishedRun(
            runner.group,
            planned,
            programs,
            run,
            make_record({**planned.recorded, **beside}, run, metrics),
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

    def claim() -> list[str]:
        for runs in schedules:
            claimed = store.claim(list(runs), at_most)
            if claimed:
                return list(claimed)
        return []

    planned = {run: one for runs in schedules for run, one in runs.items()}
    claimed = agree(claim)
    if not planned.keys() >= set(claimed):
        raise InvalidInputError("the processes were given different runs or data")
    return [planned[run] for run in claimed]


def _next_group(groups: Sequence[RunGroup], store: Store) -> tuple[int, int | None]:
    """How many runs are left, and the group to go on with.

    Returns:
        With the number, the index of a group with runs in nobody's hands, if possible
        one that no other compiles; None if all are in other hands.
    """
    unfinished = [[run.run for run in _unfinished(group, store)] for group in groups]
    left = {index: runs for index, runs in enumerate(unfinished) if runs}
    taken = store.in_other_hands([run for runs in left.values() for run in runs])
    to_do = [index for index, runs in left.items() if not taken.issuperset(runs)]
    untouched = [index for index in to_do if taken.isdisjoint(left[index])]
    chosen = (untouched or to_do)[0] if to_do else None
    return sum(map(len, left.values())), chosen


def _unfinished(group: RunGroup, store: Store) -> list[PlannedRun]:
    return [planned for planned in group.runs if not store.is_finished(planned.run)]


def _tell_of_finished(unknown: dict[str, int], store: Store, watcher: Watcher) -> None:
    """Tells of runs that this process did not run and that are finished."""
    found = [run for run in unknown if store.is_finished(run)]
    if found:
        watcher.rounds(sum(unknown.pop(run) for run in found))
