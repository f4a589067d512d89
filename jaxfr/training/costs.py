"""What the compiled programs take, measured before runs begin."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from jaxfr.training.batch import Run, rounds_of_next_call, start_batch, train_batch
from jaxfr.training.programs import Programs


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


def measure_evaluation(programs: Programs) -> float:
    """Measures an evaluation of a batch, in seconds, and warms the programs up."""
    seconds_of, _ = _probe(programs)
    seconds_of([-1])  # warms up
    return max(seconds_of([-1]) - seconds_of([]), 0.0)


def measure_costs(programs: Programs) -> Costs:
    """Measures what all parts of a batch take, to foretell how long runs will take."""
    _probe(programs)  # warms up
    seconds_of, start = _probe(programs)
    for numbers in ([-1], [0]):  # warms up
        seconds_of(numbers)
    at_most = rounds_of_next_call(1, seconds_of([0]))
    rounds = range(max(1, min(programs.rounds_per_call // 8, at_most)))
    call = seconds_of([])
    return Costs(
        start=start,
        call=call,
        round=max(seconds_of(rounds) - call, 0.0) / len(rounds),
        evaluation=max(seconds_of([-1]) - call, 0.0),
    )


def _probe(programs: Programs) -> tuple[Callable[[Sequence[int]], float], float]:
    """Starts a batch; also tells how long that took.

    The function times a call with these rounds and no others. Round -1 is an
    evaluation, any other is one of training alone.
    """
    # No call comes to the last round, nor to the first evaluation behind round -1.
    beyond = programs.rounds_per_call + 1
    runs = [Run(0, programs.experiment)]
    batch, state, seconds = start_batch(programs, runs, beyond, beyond)

    def seconds_of(numbers: Sequence[int]) -> float:
        return train_batch(batch, state, np.array(numbers, np.int32))[1].seconds

    return seconds_of, seconds
