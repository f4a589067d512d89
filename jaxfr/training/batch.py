"""Runs a batch: all that a compiled program does at once, call after call."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.checkpoints import CheckpointKeeper
from jaxfr.devices import as_int32, replicate
from jaxfr.evaluation.outcome import no_outcome
from jaxfr.experiment import Experiment
from jaxfr.processes import agree
from jaxfr.training.checks import check_run
from jaxfr.training.compiled import CompiledRuns, keys_of
from jaxfr.training.many import stack_runs
from jaxfr.training.result import Reported, RunResult, results_of_batch
from jaxfr.training.round import no_counts
from jaxfr.training.run import RoundReport
from jaxfr.training.state import Setup, TrainingState

# After each call progress is shown, and a checkpoint may be saved.
SECONDS_PER_CALL = 1.0

# Nobody knows yet how long a round takes: the untrained state's evaluation, and one.
ROUNDS_OF_FIRST_CALL = 2


class Run(NamedTuple):
    """What tells one run of a program from another: its seed and its numbers.

    Attributes:
        seed: its seed.
        experiment: its experiment, of the program's structure.
    """

    seed: int
    experiment: Experiment


class Batch(NamedTuple):
    """Runs that were started at once.

    Attributes:
        compiled: what was compiled.
        experiments: of the runs, their numbers with a leading axis ``[runs]``.
        setup: what the seeds fixed, leading axis ``[runs]``.
        rounds: rounds of each run.
        schedule: the rounds and ``eval_every``, where the devices expect them.
    """

    compiled: CompiledRuns
    experiments: Experiment
    setup: Setup
    rounds: int
    schedule: tuple[Array, Array]


class _Saved(NamedTuple):
    """What a checkpoint holds: the state, and all rounds so far, from round -1."""

    state: TrainingState
    reported: Reported


def start_batch(
    compiled: CompiledRuns, runs: Sequence[Run], rounds: int, eval_every: int
) -> tuple[Batch, TrainingState, float]:
    """Draws what the seeds decide.

    Args:
        compiled: the compiled experiment.
        runs: as many as it takes at once, or fewer.
        rounds: rounds of each run.
        eval_every: evaluates after every so many rounds and after the last.

    Returns:
        The batch, its state before round 0, and the seconds that it took.
    """
    # Room that is left is filled with copies of the last run.
    filled = [*runs, *[runs[-1]] * (compiled.runs - len(runs))]
    experiments, keys, schedule = replicate(
        (
            stack_runs([run.experiment for run in filled]),
            keys_of([run.seed for run in filled]),
            (as_int32(rounds), as_int32(eval_every)),
        ),
        compiled.devices,
    )
    began = time.perf_counter()
    setup, state = jax.block_until_ready(compiled.start(experiments, keys))
    seconds = time.perf_counter() - began
    return Batch(compiled, experiments, setup, rounds, schedule), state, seconds


def train_batch(
    batch: Batch, state: TrainingState, numbers: np.ndarray
) -> tuple[TrainingState, Reported]:
    """Trains through some rounds in one call.

    They are at most as many as a call of the program has room for. The rest of the room
    is filled with rounds behind the last one, which change nothing, so that a run ends
    in the same bits however its rounds are divided among calls.

    Args:
        batch: the runs.
        state: before the first of these rounds.
        numbers: ascending rounds, int32.
    """
    compiled = batch.compiled
    began = time.perf_counter()
    filled = np.full(compiled.rounds_per_call, batch.rounds, np.int32)
    filled[: numbers.size] = numbers
    state, report = jax.block_until_ready(
        compiled.train(
            batch.experiments,
            compiled.layout,
            batch.setup,
            state,
            replicate(as_int32(filled), compiled.devices),
            *batch.schedule,
        )
    )
    seconds = time.perf_counter() - began
    report = jax.tree.map(
        lambda leaf: leaf[:, : numbers.size].copy(), jax.device_get(report)
    )
    return state, Reported(numbers, report, seconds)


def run_batch(
    compiled: CompiledRuns,
    runs: Sequence[Run],
    rounds: int,
    eval_every: int,
    *,
    one_evaluation: float = 0.0,
    on_rounds: Callable[[int], Any] = lambda finished: None,
    on_found: Callable[[int], Any] = lambda finished: None,
    keeper: CheckpointKeeper | None = None,
) -> list[RunResult]:
    """Runs so many runs as the program takes at once, or fewer.

    Args:
        compiled: the compiled experiment.
        runs: the runs.
        rounds: rounds of each run, at least 1.
        eval_every: evaluates after every so many rounds and after the last; 0 for the
            last only. The untrained state is always evaluated.
        one_evaluation: seconds, from ``measure_evaluation``, to tell training from
            evaluation in ``RunResult.seconds``.
        on_rounds: told after each call how many more rounds are finished, those of all
            runs counted.
        on_found: told how many a checkpoint holds, in the same way.
        keeper: of this batch's checkpoints, to go on from the newest one and to save
            more; None for none. A run ends with the same bits either way.

    Raises:
        InvalidInputError: if a run has no meaning, see ``check_run``.
        NoRoomError: if an item received more rows than its planned capacity, see
            ``upload_capacity``; a layout with more room helps.
    """
    for run in runs:
        check_run(run.experiment, compiled.layout, rounds, eval_every)
    batch, state, seconds = start_batch(compiled, runs, rounds, eval_every)
    state, reports = _train_to_the_end(
        batch,
        state,
        keeper,
        lambda finished: on_rounds(len(runs) * finished),
        lambda finished: on_found(len(runs) * finished),
    )
    seeds = [run.seed for run in runs]
    seconds += sum(reported.seconds for reported in reports)
    return results_of_batch(
        seeds,
        reports,
        (batch.setup, state),
        (compiled.seconds, seconds, one_evaluation),
    )


def _train_to_the_end(
    batch: Batch,
    state: TrainingState,
    keeper: CheckpointKeeper | None,
    on_rounds: Callable[[int], Any],
    on_found: Callable[[int], Any],
) -> tuple[TrainingState, list[Reported]]:
    """Trains through the rounds that no checkpoint holds.

    A call has as many rounds as the one before it took time for.
    """
    reports: list[Reported] = []
    begin = -1  # the round before the first one evaluates the untrained state
    found = keeper and keeper.restore(functools.partial(_blank, batch, state))
    if found:
        begin, (state, reported) = found
        reports.append(reported._replace(seconds=float(reported.seconds)))
        if begin:
            on_found(begin)
    wanted, most = ROUNDS_OF_FIRST_CALL, batch.compiled.rounds_per_call
    while begin < batch.rounds:
        finished = min(begin + min(wanted, most), batch.rounds)
        numbers = np.arange(begin, finished, dtype=np.int32)
        state, reported = train_batch(batch, state, numbers)
        reports.append(reported)
        on_rounds(finished - max(begin, 0))
        if finished == batch.rounds:
            break
        if keeper and keeper.due():
            keeper.save(finished, _Saved(state, _join(reports)))
        decide = functools.partial(rounds_of_next_call, numbers.size, reported.seconds)
        wanted = agree(decide)
        begin = finished
    return state, reports


def rounds_of_next_call(rounds: int, seconds: float) -> int:
    """How many rounds take about ``SECONDS_PER_CALL``, at least 1.

    Args:
        rounds: those of a call.
        seconds: what it took.
    """
    return max(1, int(rounds * SECONDS_PER_CALL / max(seconds, 1e-6)))


def _join(reports: Sequence[Reported]) -> Reported:
    """The reports of several calls as of one, all of it arrays."""
    numbers, of_rounds, seconds = zip(*reports, strict=True)
    joined = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *of_rounds)
    # An array, which a checkpoint can hold.
    return Reported(np.concatenate(numbers), joined, np.array(sum(seconds), np.float64))


def _blank(batch: Batch, state: TrainingState, finished: int) -> _Saved:
    """A pytree like what was saved after so many rounds."""
    experiment, layout = batch.compiled.experiment, batch.compiled.layout
    numbers = np.arange(-1, finished, dtype=np.int32)
    of_round = RoundReport(
        no_counts(experiment, layout, experiment.model.make().embedding_dim),
        jnp.bool_(False),
        no_outcome(experiment.metrics, len(experiment.targets)),
    )
    report = jax.tree.map(
        lambda leaf: np.zeros(
            (batch.compiled.runs, numbers.size, *leaf.shape), leaf.dtype
        ),
        of_round,
    )
    return _Saved(state, Reported(numbers, report, np.array(0.0, np.float64)))
