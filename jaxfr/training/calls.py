"""Calls of the compiled programs, timed, and what they cost."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.devices import replicate
from jaxfr.training.many import stack_runs
from jaxfr.training.programs import Programs, keys_of
from jaxfr.training.run import RoundReport
from jaxfr.training.settings import Hyperparameters
from jaxfr.training.state import Setup, TrainingState


class Point(NamedTuple):
    """What tells one run of a configuration from another.

    Attributes:
        seed: its seed.
        hyperparameters: its traced settings.
    """

    seed: int
    hyperparameters: Hyperparameters


class Stretch(NamedTuple):
    """Some rounds, what was reported of them, and how long they took."""

    numbers: np.ndarray
    report: RoundReport
    seconds: float


class Costs(NamedTuple):
    """What the compiled programs take, in seconds of a whole batch.

    Attributes:
        start: drawing what the seeds decide.
        call: a stretch in which there is nothing to do.
        round: a round more in it.
        evaluation: an evaluation more in it.
    """

    start: float
    call: float
    round: float
    evaluation: float


def measure_evaluation(programs: Programs, point: Point) -> float:
    """Measures an evaluation of a whole batch, in seconds, and warms the programs up.

    Args:
        programs: the compiled configuration.
        point: any run of it.
    """
    seconds_of = _probe(programs, point)
    seconds_of([-1])  # warms up
    return max(seconds_of([-1]) - seconds_of([]), 0.0)


def measure_costs(programs: Programs, point: Point) -> Costs:
    """Measures what all parts of a batch take, to foretell how long runs will take.

    Args:
        programs: the compiled configuration.
        point: any run of it.
    """
    seconds_of = _probe(programs, point)
    points = [point] * programs.runs
    start = start_runs(programs, points, stacked_hyperparameters(points))[2]
    rounds = range(max(1, programs.stretch // 8))
    for numbers in ([-1], rounds):  # warms up
        seconds_of(numbers)
    call = seconds_of([])
    return Costs(
        start=start,
        call=call,
        round=max(seconds_of(rounds) - call, 0.0) / len(rounds),
        evaluation=max(seconds_of([-1]) - call, 0.0),
    )


def _probe(programs: Programs, point: Point) -> Callable[[Sequence[int]], float]:
    """Starts a batch; the result times a call with these rounds and no others.

    Round -1 is an evaluation, any other is one of training alone.
    """
    points = [point] * programs.runs
    hyperparameters = stacked_hyperparameters(points)
    setup, state, _ = start_runs(programs, points, hyperparameters)
    # No stretch comes to the last round, nor to the first evaluation behind round -1.
    beyond = programs.stretch + 1
    train = make_trainer(programs, hyperparameters, setup, beyond, beyond)

    def seconds_of(numbers: Sequence[int]) -> float:
        stretch = np.full(programs.stretch, beyond, np.int32)
        stretch[: len(numbers)] = numbers
        return train(state, stretch)[1].seconds

    return seconds_of


def stacked_hyperparameters(points: Sequence[Point]) -> Hyperparameters:
    """The traced settings of a batch, leading axis ``[runs]``."""
    return stack_runs([point.hyperparameters for point in points])


def start_runs(
    programs: Programs, points: Sequence[Point], hyperparameters: Hyperparameters
) -> tuple[Setup, TrainingState, float]:
    """Draws what the seeds decide; also tells how long it took."""
    began = time.perf_counter()
    keys = keys_of([point.seed for point in points])
    hyperparameters, keys = replicate((hyperparameters, keys), programs.devices)
    setup, state = jax.block_until_ready(
        programs.start(hyperparameters, programs.layout, keys, programs.given)
    )
    return setup, state, time.perf_counter() - began


def make_trainer(
    programs: Programs,
    hyperparameters: Hyperparameters,
    setup: Setup,
    rounds: int,
    eval_every: int,
) -> Callable[[TrainingState, np.ndarray], tuple[TrainingState, Stretch]]:
    """The function that trains these runs through a stretch of rounds."""
    schedule = jnp.int32(rounds), jnp.int32(eval_every)
    hyperparameters, schedule = replicate((hyperparameters, schedule), programs.devices)

    def train(
        state: TrainingState, numbers: np.ndarray
    ) -> tuple[TrainingState, Stretch]:
        began = time.perf_counter()
        state, report = jax.block_until_ready(
            programs.train(
                hyperparameters,
                programs.layout,
                setup,
                state,
                replicate(jnp.asarray(numbers), programs.devices),
                *schedule,
            )
        )
        seconds = time.perf_counter() - began
        return state, Stretch(numbers, jax.device_get(report), seconds)

    return train
