"""The host's loop: runs batch after batch, and times what it does."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.evaluation.metrics import Metrics
from jaxfr.training.many import stack_runs
from jaxfr.training.programs import Programs, keys_of
from jaxfr.training.run import RoundReport
from jaxfr.training.settings import Hyperparameters
from jaxfr.training.start import Setup, TrainingState

T = TypeVar("T")


class Point(NamedTuple):
    """What tells one run of a configuration from another.

    Attributes:
        seed: its seed.
        hyperparameters: its traced settings.
    """

    seed: int
    hyperparameters: Hyperparameters


class Seconds(NamedTuple):
    """Where the time of one run went; of runs at the same time, each bears its share.

    Attributes:
        compile: compiling, all of it in the first run of a program.
        train: rounds.
        evaluation: evaluations; those inside the compiled loop are taken to cost what
            one costs alone.
    """

    compile: float
    train: float
    evaluation: float


class Run(NamedTuple):
    """One finished run.

    Attributes:
        seed: its seed.
        curve: after so many rounds (0: untrained), the metrics; ascending.
        dropped: client uploads left out because they were not finite, all rounds.
        seconds: where the time went.
        setup: what the seed fixed.
        state: the state after the last round.
    """

    seed: int
    curve: tuple[tuple[int, Metrics], ...]
    dropped: int
    seconds: Seconds
    setup: Setup
    state: TrainingState


def run_points(
    programs: Programs,
    points: Sequence[Point],
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any] = lambda finished: None,
) -> Iterator[Run]:
    """Runs all points, as many at once as the programs were compiled for.

    Args:
        programs: the compiled configuration.
        points: the runs, their settings checked with ``check_settings``.
        rounds: rounds of each run, at least 1.
        eval_every: evaluates after every so many rounds and after the last; 0 for the
            last only. The untrained state is always evaluated.
        on_rounds: told after each stretch how many more rounds are finished, those of
            all runs counted.

    Yields:
        Each run, batch by batch; the first one bears the compile time.

    Raises:
        RuntimeError: if an item received more rows than its planned capacity, which
            has a chance of less than one in 10^5.
    """
    compile_seconds = programs.seconds
    for first in range(0, len(points), programs.runs):
        batch = points[first : first + programs.runs]
        for run in _run_batch(programs, batch, rounds, eval_every, on_rounds):
            yield run._replace(seconds=run.seconds._replace(compile=compile_seconds))
            compile_seconds = 0.0


def _run_batch(
    programs: Programs,
    batch: Sequence[Point],
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any],
) -> list[Run]:
    layout, stretch = programs.layout, programs.stretch
    # Room that is left is filled with copies of the last run.
    filled = [*batch, *[batch[-1]] * (programs.runs - len(batch))]
    hyperparameters = stack_runs([point.hyperparameters for point in filled])
    schedule = jnp.int32(rounds), jnp.int32(eval_every)

    def train(
        state: TrainingState, numbers: np.ndarray
    ) -> tuple[TrainingState, _Stretch]:
        began = time.perf_counter()
        state, report = jax.block_until_ready(
            programs.train(
                hyperparameters, layout, setup, state, jnp.asarray(numbers), *schedule
            )
        )
        seconds = time.perf_counter() - began
        return state, _Stretch(numbers, jax.device_get(report), seconds)

    began = time.perf_counter()
    keys = keys_of([point.seed for point in filled])
    setup, state = jax.block_until_ready(
        programs.start(hyperparameters, layout, keys, programs.given)
    )
    start_seconds = time.perf_counter() - began
    # The round before the first one evaluates the untrained state; what it takes more
    # than a call that does nothing is the evaluation. The first call warms up.
    idle = np.full(stretch, rounds, np.int32)
    before = np.append(np.int32(-1), idle[1:])
    train(state, before)
    seconds_idle = train(state, idle)[1].seconds
    evaluated = train(state, before)[1]
    evaluation = max(evaluated.seconds - seconds_idle, 0.0)
    stretches = [evaluated._replace(seconds=evaluation)]
    for first in range(0, rounds, stretch):
        numbers = np.arange(first, first + stretch, dtype=np.int32)
        state, trained = train(state, numbers)
        stretches.append(trained)
        on_rounds(len(batch) * min(stretch, rounds - first))
    return [
        _finished_run(
            point.seed,
            [part._replace(report=_of_run(index, part.report)) for part in stretches],
            start_seconds,
            len(batch),
            *_of_run(index, (setup, state)),
        )
        for index, point in enumerate(batch)
    ]


class _Stretch(NamedTuple):
    """Some rounds, what was reported of them, and how long they took."""

    numbers: np.ndarray
    report: RoundReport
    seconds: float


def _of_run(index: int, values: T) -> T:
    return jax.tree.map(lambda leaf: leaf[index], values)


def _finished_run(
    seed: int,
    stretches: Sequence[_Stretch],
    start_seconds: float,
    runs: int,
    setup: Setup,
    state: TrainingState,
) -> Run:
    """Puts one of ``runs`` runs together; the first stretch evaluated only."""
    reports = [part.report for part in stretches]
    curve = [pair for part in stretches for pair in _curve(part.report, part.numbers)]
    overflow = sum(int(np.sum(report.counts.overflow)) for report in reports)
    if overflow:
        raise RuntimeError(
            f"seed {seed}: {overflow} uploads found no room in the tables by item"
        )
    one_evaluation = stretches[0].seconds
    inside = one_evaluation * (len(curve) - 1)
    training = start_seconds + sum(part.seconds for part in stretches[1:]) - inside
    return Run(
        seed=seed,
        curve=tuple(curve),
        dropped=sum(int(np.sum(report.counts.dropped)) for report in reports),
        seconds=Seconds(
            0.0, max(training, 0.0) / runs, (one_evaluation + inside) / runs
        ),
        setup=setup,
        state=state,
    )


def _curve(report: RoundReport, numbers: np.ndarray) -> list[tuple[int, Metrics]]:
    """The evaluations in one run's report of a stretch, by finished rounds."""

    def metrics_at(index: int) -> Metrics:
        return jax.tree.map(lambda leaf: leaf[index], report.metrics)

    return [
        (int(numbers[index]) + 1, metrics_at(index))
        for index in np.flatnonzero(report.evaluated).tolist()
    ]
