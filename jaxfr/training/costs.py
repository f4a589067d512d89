"""What the compiled programs take, measured before runs begin."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxfr.training.batch import Run, rounds_of_next_call, start_batch, train_batch
from jaxfr.training.compiled import CompiledRuns


class Costs(NamedTuple):
    """What the compiled programs take, in seconds of a whole batch.

    Attributes:
        start: drawing what the seeds decide.
        call: a call in which there is nothing to do.
        round: a round more in it.
        evaluation: an evaluation more in it.
    """

    start: float
    call: float
    round: float
    evaluation: float


def measure_evaluation(compiled: CompiledRuns) -> float:
    """Measures an evaluation of a batch, in seconds, and warms the programs up."""
    seconds_of, _ = _probe(compiled)
    seconds_of([-1])  # warms up
    return max(seconds_of([-1]) - seconds_of([]), 0.0)


def measure_costs(compiled: CompiledRuns) -> Costs:
    """Measures what all parts of a batch take, to foretell how long runs will take."""
    _probe(compiled)  # warms up
    seconds_of, start = _probe(compiled)
    for numbers in ([-1], [0]):  # warms up
        seconds_of(numbers)
    at_most = rounds_of_next_call(1, seconds_of([0]))
    rounds = range(max(1, min(compiled.rounds_per_call // 8, at_most)))
    call = seconds_of([])
    return Costs(
        start=start,
        call=call,
        round=max(seconds_of(rounds) - call, 0.0) / len(rounds),
        evaluation=max(seconds_of([-1]) - call, 0.0),
    )


def _probe(compiled: CompiledRuns) -> tuple[Callable[[Sequence[int]], float], float]:
    """Starts a batch; also tells how long that took.

    The function times a call with these rounds and no others. Round -1 is an
    evaluation, any other is one of training alone.
    """
    # No call comes to the last round, nor to the first evaluation behind round -1.
    beyond = compiled.rounds_per_call + 1
    runs = [Run(0, compiled.experiment)]
    batch, state, seconds = start_batch(compiled, runs, beyond, beyond)

    def seconds_of(numbers: Sequence[int]) -> float:
        return train_batch(batch, state, np.array(numbers, np.int32))[1].seconds

    return seconds_of, seconds
