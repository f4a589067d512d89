"""Runs what a plan holds and a store lacks, batch by batch."""

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import jax

from jaxfr.checkpoints import CheckpointKeeper, prepare_directory
from jaxfr.errors import InvalidInputError
from jaxfr.own_errors import own_errors
from jaxfr.processes import agree, is_leader
from jaxfr.records.record import Record, make_record
from jaxfr.store import Store
from jaxfr.sweeps.execution import ExecutionOptions, recorded
from jaxfr.sweeps.group import GroupCompiler, GroupProgram, batch_identity
from jaxfr.sweeps.plan import Plan, PlannedRun, RunGroup
from jaxfr.sweeps.request import keep_own_files
from jaxfr.terminal import note
from jaxfr.training.batch import Run, run_batch
from jaxfr.training.costs import measure_evaluation
from jaxfr.training.layout import Layout
from jaxfr.training.result import NoRoomError, RunResult

# How often to look whether other processes finished what is in their hands.
_SECONDS_BETWEEN_LOOKS = 1.0
# How often to say how far the runs in hand are, for those who ask the store.
_SECONDS_BETWEEN_WORDS = 2.0


class FinishedRun(NamedTuple):
    """A run that this process finished, its data as laid out, its end, its record."""

    planned: PlannedRun
    layout: Layout
    result: RunResult
    record: Record


class Watcher(NamedTuple):
    """Whom to tell of what happens.

    That is which group is being compiled, as a context; how many more rounds and runs
    are finished, by whomever, and how many were before; how many runs are left, all of
    them in other hands; how many runs failed, and their rounds; in a line, what becomes
    of checkpoints and programs.
    """

    compiling: Callable[[RunGroup], AbstractContextManager[Any]] = nullcontext
    rounds: Callable[[int], Any] = lambda finished: None
    found_rounds: Callable[[int], Any] = lambda finished: None
    runs: Callable[[int], Any] = lambda finished: None
    found_runs: Callable[[int], Any] = lambda finished: None
    failed: Callable[[int, int], Any] = lambda runs, rounds: None
    waiting: Callable[[int], Any] = lambda left: None
    say: Callable[[str], Any] = note


def run_plan(
    plan: Plan,
    store: Store,
    options: ExecutionOptions,
    watcher: Watcher = Watcher(),  # noqa: B008 (immutable)
) -> Iterator[FinishedRun]:
    """Runs all that is not in the store, and waits for what others are running.

    Other processes may do the same with the same store at the same time: a run is done
    by whoever claims it first, and taken over if its owner dies. Processes that do
    every run together (see ``jaxfr/processes.py``) go by the store of their leader.

    Yields each run that this process does, once its record is in the store; in the end
    that holds one of every run. Checkpoints of a batch are removed once its records are
    there and its runs were taken from this iterator.

    A program that cannot be run, as one that does not fit into memory or has a part of
    somebody's own with an error, is left out, and its error raised when all others are
    done.

    Raises:
        InvalidInputError: if the store cannot be written, a run does not fit into
            memory, a part of somebody's own has an error, or the directory of
            checkpoints cannot be written.
    """
    if options.checkpoints is not None:
        prepare_directory(options.checkpoints)
    if is_leader():
        keep_own_files((run.request for run in plan.runs), store.path)
        store.announce(
            [(one.title, [run.identity for run in one.runs]) for one in plan.all_groups]
        )
    work = _Work(plan, store, options, watcher)
    groups, waits = list(plan.groups), False
    failed: list[InvalidInputError] = []
    while True:
        left, chosen = agree(functools.partial(_next_groups, groups, store))
        work.tell_of_others()
        if left == 0:
            break
        if chosen:
            try:
                yield from work.run_group(*[groups[index] for index in chosen])
            except RunsFailedError as error:
                del groups[chosen[0]]
                failed.append(error.reason)
        elif not waits:
            watcher.waiting(left)
        waits = not chosen
        if waits:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    if failed:
        raise failed[0]


class RunsFailedError(Exception):
    """Runs ended with an error for which their program is to blame, not the store."""

    def __init__(self, reason: InvalidInputError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Work:
    """What this process does of a plan."""

    def __init__(
        self, plan: Plan, store: Store, options: ExecutionOptions, watcher: Watcher
    ) -> None:
        self._store = store
        self._options = options
        self._watcher = watcher
        self._compiler = GroupCompiler(plan.sources, options)
        self._progress = _BatchProgress(store, plan.shard)
        # Rounds of runs that nobody was told of yet.
        self._untold = {run.identity: run.request.rounds for run in plan.runs}
        self._tell_of_finished(watcher.found_rounds, watcher.found_runs)

    def tell_of_others(self) -> None:
        """Tells of runs that other processes finished."""
        self._tell_of_finished(self._watcher.rounds, self._watcher.runs)

    def _tell_of_finished(
        self, rounds: Callable[[int], Any], runs: Callable[[int], Any]
    ) -> None:
        found = [run for run in self._untold if self._store.is_finished(run)]
        if found:
            rounds(sum(map(self._untold.pop, found)))
            runs(len(found))

    def run_group(self, group: RunGroup, *after: RunGroup) -> Iterator[FinishedRun]:
        """Runs what is left of one group, as far as it is in nobody's hands.

        Meanwhile the programs of the groups that come after it are compiled.

        Raises:
            RunsFailedError: if its program cannot be run.
        """
        at_once, program, evaluation = self._compiler.execution(group).runs, None, 0.0
        schedules = _by_schedule(group)
        while batch := _claim(schedules, self._store, at_once):
            with self._telling_of_failure(group, batch):
                self._progress.begin(batch)
                if program is None:
                    with self._watcher.compiling(group):
                        self._compiler.begin((group, *after) if after else ())
                        program = self._compiler.compile(group)
                        evaluation = measure_evaluation(program.compiled)
                    at_once = program.execution.runs
                for planned in batch:  # their rounds are told while they run
                    self._untold.pop(planned.identity, None)
                finished, keepers = self._run_claimed(program, batch, evaluation)
            records = [done.record for done in finished]
            agree(functools.partial(self._store.append, records))
            self._watcher.runs(len(finished))
            yield from finished
            for keeper in keepers:
                keeper.remove()
            compiled = program.compiled._replace(seconds=0.0)
            program = program._replace(compiled=compiled)
            self.tell_of_others()

    @contextlib.contextmanager
    def _telling_of_failure(
        self, group: RunGroup, batch: Sequence[PlannedRun]
    ) -> Iterator[None]:
        """Notes an error in the store; one of many processes ends all of them."""
        try:
            with own_errors(group.experiment.parts):
                yield
        except InvalidInputError as error:
            finished = self._store.is_finished
            open_runs = [run for run in group.runs if not finished(run.identity)]
            self._fail(open_runs, error)
            if jax.process_count() > 1:
                raise
            for run in open_runs:  # nobody is told of their rounds any more
                self._untold.pop(run.identity, None)
            rounds = sum(run.request.rounds for run in open_runs)
            self._watcher.failed(len(open_runs), rounds)
            self._watcher.say(f"{group.title}: failed: {error}")
            raise RunsFailedError(error) from None
        except Exception as error:
            self._fail(batch, error)
            raise

    def _fail(self, runs: Sequence[PlannedRun], error: Exception) -> None:
        if is_leader():
            self._store.fail([planned.identity for planned in runs], error)

    def _run_claimed(
        self, program: GroupProgram, claimed: Sequence[PlannedRun], evaluation: float
    ) -> tuple[list[FinishedRun], list[CheckpointKeeper]]:
        """Runs some runs of one schedule, as many at once as the program takes.

        Where an item receives more rows than there is room for, which may happen to one
        run in a thousand, those at once are done again by a program with more room.
        """
        finished, keepers, at_once = [], [], program.execution.runs
        for first in range(0, len(claimed), at_once):
            batch, keeper = claimed[first : first + at_once], None
            if self._options.checkpoints is not None:
                identity = batch_identity(program, batch)
                checkpoints, say = self._options.checkpoints, self._watcher.say
                keeper = CheckpointKeeper(checkpoints, identity, say)
                keepers.append(keeper)
            try:
                finished += self._run_batch(program, batch, evaluation, keeper)
            except NoRoomError as error:
                if program.more_room:
                    raise
                self._watcher.say(f"jaxfr: {error}; once more, with more room")
                self._advance(-sum(one.request.rounds for one in batch))
                with self._watcher.compiling(program.group):
                    roomy = self._compiler.compile(program.group, more_room=True)
                again = self._run_claimed(roomy, batch, evaluation)
                finished += again[0]
                keepers += again[1]
        return finished, keepers

    def _advance(self, rounds: int) -> None:
        self._watcher.rounds(rounds)
        self._progress.advance(rounds)

    def _find(self, rounds: int) -> None:
        self._watcher.found_rounds(rounds)
        self._progress.advance(rounds)

    def _run_batch(
        self,
        program: GroupProgram,
        batch: Sequence[PlannedRun],
        evaluation: float,
        keeper: CheckpointKeeper | None,
    ) -> list[FinishedRun]:
        compiled = program.compiled
        # What decides last bits besides the run's identity.
        beside = {
            "room_for_malicious_clients": program.group.malicious_clients,
            **recorded(program.execution),
            "chance": program.chance,
        }
        results = run_batch(
            compiled,
            [Run(planned.request.seed, planned.experiment) for planned in batch],
            *batch[0].schedule,
            one_evaluation=evaluation,
            on_rounds=self._advance,
            on_found=self._find,
            keeper=keeper,
        )
        finished = []
        for planned, result in zip(batch, results, strict=True):
            metrics = compiled.experiment.metrics
            record = make_record({**planned.recorded, **beside}, result, metrics)
            finished.append(FinishedRun(planned, compiled.layout, result, record))
        return finished


class _BatchProgress:
    """Tells the store now and then how far the runs in hand are."""

    def __init__(self, store: Store, shard: str) -> None:
        self._store = store
        self._shard = shard
        self._run, self._rounds, self._done = "", 0, 0
        self._told = -math.inf

    def begin(self, batch: Sequence[PlannedRun]) -> None:
        """Other runs are in hand now."""
        self._run = batch[0].identity
        self._rounds, self._done = sum(one.request.rounds for one in batch), 0
        self.advance(0)

    def advance(self, rounds: int) -> None:
        """So many more of their rounds are finished."""
        self._done += rounds
        if is_leader() and time.monotonic() - self._told > _SECONDS_BETWEEN_WORDS:
            self._told = time.monotonic()
            self._store.tell(
                {
                    "run": self._run,
                    "rounds_done": self._done,
                    "rounds": self._rounds,
                    "shard": self._shard,
                }
            )


def _by_schedule(group: RunGroup) -> list[dict[str, PlannedRun]]:
    """A group's runs by their identity, those of one schedule together."""
    schedules: dict[tuple[int, int], dict[str, PlannedRun]] = {}
    for planned in group.runs:
        schedules.setdefault(planned.schedule, {})[planned.identity] = planned
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

    claimed = agree(claim)
    for runs in schedules:
        if runs.keys() >= set(claimed):
            return [runs[name] for name in claimed]
    raise InvalidInputError("the processes were given different runs or data")


def _next_groups(groups: Sequence[RunGroup], store: Store) -> tuple[int, Sequence[int]]:
    """How many runs are left, and which group to go on with, and with which after it.

    That is one with runs in nobody's hands, if possible one that no other compiles;
    none if all are in other hands. With whom others share this store, they may take
    those after it, which then are not told.
    """
    unfinished = [
        [run.identity for run in group.runs if not store.is_finished(run.identity)]
        for group in groups
    ]
    left = {index: runs for index, runs in enumerate(unfinished) if runs}
    taken = store.in_other_hands([run for runs in left.values() for run in runs])
    to_do = [index for index, runs in left.items() if not taken.issuperset(runs)]
    untouched = [index for index in to_do if taken.isdisjoint(left[index])]
    alone = not taken and jax.process_count() == 1
    return sum(map(len, left.values())), (untouched or to_do)[: None if alone else 1]
