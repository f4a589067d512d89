"""The host's loop: compiles once, runs seed after seed, and times what it does."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.evaluation.metrics import Metrics
from jaxfr.training.layout import Layout
from jaxfr.training.run import RoundReport, train_rounds
from jaxfr.training.settings import Configuration, Hyperparameters
from jaxfr.training.start import GivenValues, Setup, TrainingState, start

# A run is cut into so many stretches, after each of which progress is shown.
STRETCHES = 20


class Seconds(NamedTuple):
    """Where the time of one run went.

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
    """One finished run of one seed.

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


class Programs(NamedTuple):
    """The compiled pieces of a run, and what they were compiled for.

    Attributes:
        start: draws what a seed decides.
        train: runs a stretch of rounds.
        layout: the data.
        given: values to start from.
        stretch: rounds in a stretch.
        seconds: spent compiling.
    """

    start: Callable[..., tuple[Setup, TrainingState]]
    train: Callable[..., tuple[TrainingState, RoundReport]]
    layout: Layout
    given: GivenValues
    stretch: int
    seconds: float


def compile_programs(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    rounds: int,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> Programs:
    """Compiles a configuration once, for all seeds and numeric settings.

    Args:
        configuration: static settings, checked with ``check_settings``.
        hyperparameters: traced settings; only their types matter here.
        layout: the data.
        rounds: rounds of a run, which decide the length of a stretch.
        given: values to start from.
    """
    began = time.perf_counter()
    stretch = -(-rounds // STRETCHES)
    key = jax.random.key(0)
    traced = start.trace(configuration, hyperparameters, layout, key, given)
    setup, state = traced.out_info
    numbers, number = jnp.arange(stretch, dtype=jnp.int32), jnp.int32(rounds)
    train = train_rounds.lower(
        configuration, hyperparameters, layout, setup, state, numbers, number, number
    )
    return Programs(
        traced.lower().compile(),
        train.compile(),
        layout,
        given,
        stretch,
        time.perf_counter() - began,
    )


def run_seeds(
    programs: Programs,
    hyperparameters: Hyperparameters,
    seeds: Sequence[int],
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any] = lambda finished: None,
) -> Iterator[Run]:
    """Runs seeds one after the other.

    Args:
        programs: the compiled configuration.
        hyperparameters: traced settings, checked with ``check_settings``.
        seeds: the seeds.
        rounds: rounds of each run, at least 1.
        eval_every: evaluates after every so many rounds and after the last; 0 for the
            last only. The untrained state is always evaluated.
        on_rounds: told after each stretch how many more rounds are finished.

    Yields:
        Each run as it is finished; the first one bears the compile time.

    Raises:
        RuntimeError: if an item received more rows than its planned capacity, which
            has a chance of less than one in 10^5.
    """
    for index, seed in enumerate(seeds):
        run = _run_seed(programs, hyperparameters, seed, rounds, eval_every, on_rounds)
        compile_seconds = 0.0 if index else programs.seconds
        yield run._replace(seconds=run.seconds._replace(compile=compile_seconds))


def _run_seed(
    programs: Programs,
    hyperparameters: Hyperparameters,
    seed: int,
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any],
) -> Run:
    layout, stretch = programs.layout, programs.stretch
    schedule = jnp.int32(rounds), jnp.int32(eval_every)

    def train(
        state: TrainingState, numbers: np.ndarray
    ) -> tuple[TrainingState, RoundReport, float]:
        began = time.perf_counter()
        state, report = jax.block_until_ready(
            programs.train(
                hyperparameters, layout, setup, state, jnp.asarray(numbers), *schedule
            )
        )
        seconds = time.perf_counter() - began
        return state, jax.device_get(report), seconds

    began = time.perf_counter()
    setup, state = jax.block_until_ready(
        programs.start(hyperparameters, layout, jax.random.key(seed), programs.given)
    )
    train_seconds = time.perf_counter() - began
    # The round before the first one evaluates the untrained state; the second time
    # nothing has to warm up.
    before = np.full(stretch, rounds, np.int32)
    before[0] = -1
    train(state, before)
    _, report, evaluation_seconds = train(state, before)
    curve = _evaluations(report, before)
    dropped = overflow = 0
    for first in range(0, rounds, stretch):
        numbers = np.arange(first, first + stretch, dtype=np.int32)
        state, report, seconds = train(state, numbers)
        train_seconds += seconds
        curve += _evaluations(report, numbers)
        dropped += int(np.sum(report.counts.dropped))
        overflow += int(np.sum(report.counts.overflow))
        on_rounds(min(stretch, rounds - first))
    if overflow:
        raise RuntimeError(
            f"seed {seed}: {overflow} uploads found no room in the tables by item"
        )
    inside = evaluation_seconds * (len(curve) - 1)
    spent = Seconds(0.0, max(train_seconds - inside, 0.0), evaluation_seconds + inside)
    return Run(seed, tuple(curve), dropped, spent, setup, state)


def _evaluations(report: RoundReport, numbers: np.ndarray) -> list[tuple[int, Metrics]]:
    """The evaluations in one stretch's report, by finished rounds."""

    def metrics_at(index: int) -> Metrics:
        return jax.tree.map(lambda leaf: leaf[index], report.metrics)

    return [
        (int(numbers[index]) + 1, metrics_at(index))
        for index in np.flatnonzero(report.evaluated).tolist()
    ]
