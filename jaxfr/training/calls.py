"""Calls of the compiled programs, timed, and what they cost."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.training.many import stack_runs
from jaxfr.training.programs import Programs, keys_of
from jaxfr.training.run import RoundReport
from jaxfr.training.settings import Hyperparameters
from jaxfr.training.start import Setup, TrainingState


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


def measure_costs(programs: Programs, point: Point) -> Costs:
    """Measures what the programs take, once for all batches, and warms them up.

    Args:
        programs: the compiled configuration.
        point: any run of it.
    """
    points = [point] * programs.runs
    start_runs(programs, points)  # warms up
    setup, state, start_seconds = start_runs(programs, points)
    few = max(1, programs.stretch // 8)
    # None of these stretches comes to its run's last round.
    train = make_trainer(programs, points, setup, rounds=few + 1, eval_every=few + 1)
    idle = np.full(programs.stretch, few + 1, np.int32)
    evaluating, training = idle.copy(), idle.copy()
    evaluating[0] = -1
    training[:few] = np.arange(few)
    for numbers in (evaluating, training):  # warms up
        train(state, numbers)
    call = train(state, idle)[1].seconds
    return Costs(
        start=start_seconds,
        call=call,
        round=max(train(state, training)[1].seconds - call, 0.0) / few,
        evaluation=max(train(state, evaluating)[1].seconds - call, 0.0),
    )


def start_runs(
    programs: Programs, points: Sequence[Point]
) -> tuple[Setup, TrainingState, float]:
    """Draws what the seeds decide; also tells how long it took."""
    began = time.perf_counter()
    setup, state = jax.block_until_ready(
        programs.start(
            stack_runs([point.hyperparameters for point in points]),
            programs.layout,
            keys_of([point.seed for point in points]),
            programs.given,
        )
    )
    return setup, state, time.perf_counter() - began


def make_trainer(
    programs: Programs,
    points: Sequence[Point],
    setup: Setup,
    rounds: int,
    eval_every: int,
) -> Callable[[TrainingState, np.ndarray], tuple[TrainingState, Stretch]]:
    """The function that trains these runs through a stretch of rounds."""
    hyperparameters = stack_runs([point.hyperparameters for point in points])
    schedule = jnp.int32(rounds), jnp.int32(eval_every)

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
                jnp.asarray(numbers),
                *schedule,
            )
        )
        seconds = time.perf_counter() - began
        return state, Stretch(numbers, jax.device_get(report), seconds)

    return train
