"""Calls of the compiled programs, timed, and what they cost."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.devices import replicate
from jaxfr.experiment import Experiment
from jaxfr.training.many import stack_runs
from jaxfr.training.programs import Programs, keys_of
from jaxfr.training.run import RoundReport
from jaxfr.training.state import Setup, TrainingState

# After each call progress is shown, and a checkpoint may be saved.
SECONDS_PER_CALL = 1.0

# Nobody knows yet how long a round takes: the untrained state's evaluation, and one.
ROUNDS_OF_FIRST_CALL = 2


class Point(NamedTuple):
    """What tells one run of a program from another.

    Attributes:
        seed: its seed.
        experiment: its experiment, of the program's structure.
    """

    seed: int
    experiment: Experiment


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


def rounds_of_next_call(rounds: int, seconds: float) -> int:
    """How many rounds take about ``SECONDS_PER_CALL``, at least 1.

    Args:
        rounds: those of a call.
        seconds: what it took.
    """
    return max(1, int(rounds * SECONDS_PER_CALL / max(seconds, 1e-6)))


def measure_evaluation(programs: Programs, point: Point) -> float:
    """Measures an evaluation of a whole batch, in seconds, and warms the programs up.

    Args:
        programs: the compiled experiment.
        point: any run of it.
    """
    seconds_of = _probe(programs, point)
    seconds_of([-1])  # warms up
    return max(seconds_of([-1]) - seconds_of([]), 0.0)


def measure_costs(programs: Programs, point: Point) -> Costs:
    """Measures what all parts of a batch take, to foretell how long runs will take.

    Args:
        programs: the compiled experiment.
        point: any run of it.
    """
    seconds_of = _probe(programs, point)
    points = [point] * programs.runs
    start = start_runs(programs, points, stacked_experiments(points))[2]
    for numbers in ([-1], [0]):  # warms up
        seconds_of(numbers)
    at_most = rounds_of_next_call(1, seconds_of([0]))
    rounds = range(max(1, min(programs.stretch // 8, at_most)))
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
    experiments = stacked_experiments(points)
    setup, state, _ = start_runs(programs, points, experiments)
    # No stretch comes to the last round, nor to the first evaluation behind round -1.
    beyond = programs.stretch + 1
    train = make_trainer(programs, experiments, setup, beyond, beyond)

    return lambda numbers: train(state, np.array(numbers, np.int32))[1].seconds


def stacked_experiments(points: Sequence[Point]) -> Experiment:
    """The experiments of a batch, their numbers with a leading axis ``[runs]``."""
    return stack_runs([point.experiment for point in points])


def start_runs(
    programs: Programs, points: Sequence[Point], experiments: Experiment
) -> tuple[Setup, TrainingState, float]:
    """Draws what the seeds decide; also tells how long it took."""
    began = time.perf_counter()
    keys = keys_of([point.seed for point in points])
    experiments, keys = replicate((experiments, keys), programs.devices)
    setup, state = jax.block_until_ready(
        programs.start(experiments, programs.layout, keys, programs.given)
    )
    return setup, state, time.perf_counter() - began


def make_trainer(
    programs: Programs,
    experiments: Experiment,
    setup: Setup,
    rounds: int,
    eval_every: int,
) -> Callable[[TrainingState, np.ndarray], tuple[TrainingState, Stretch]]:
    """The function that trains these runs through some rounds.

    They are at most as many as a call of the program has room for. The rest of the room
    is filled with rounds behind the last one, which change nothing, so that a run ends
    in the same bits however its rounds are divided among calls.
    """
    schedule = jnp.int32(rounds), jnp.int32(eval_every)
    experiments, schedule = replicate((experiments, schedule), programs.devices)

    def train(
        state: TrainingState, numbers: np.ndarray
    ) -> tuple[TrainingState, Stretch]:
        began = time.perf_counter()
        filled = np.full(programs.stretch, rounds, np.int32)
        filled[: numbers.size] = numbers
        state, report = jax.block_until_ready(
            programs.train(
                experiments,
                programs.layout,
                setup,
                state,
                replicate(jnp.asarray(filled), programs.devices),
                *schedule,
            )
        )
        seconds = time.perf_counter() - began
        report = jax.tree.map(
            lambda leaf: leaf[:, : numbers.size].copy(), jax.device_get(report)
        )
        return state, Stretch(numbers, report, seconds)

    return train
