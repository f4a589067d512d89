"""What a run came to: its curve, what the server reported, where the time went."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from jaxfr.evaluation.outcome import Outcome
from jaxfr.training.judgement import REPORTED, as_fields
from jaxfr.training.round import RoundCounts
from jaxfr.training.run import RoundReport
from jaxfr.training.state import Setup, TrainingState

T = TypeVar("T")


class NoRoomError(RuntimeError):
    """An item received more rows than there is room for in the layout."""


class Reported(NamedTuple):
    """What was reported of some rounds of a batch.

    Attributes:
        numbers: the rounds, ascending, int32 ``[rounds]``.
        report: of all runs, leading axes ``[runs, rounds]``.
        seconds: how long they took.
    """

    numbers: np.ndarray
    report: RoundReport
    seconds: Any


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


class RunResult(NamedTuple):
    """One finished run.

    Attributes:
        seed: its seed.
        curve: after so many rounds (0: untrained), what was counted; ascending.
        dropped: client uploads left out because they were not finite, all rounds.
        served: what the server's stages and rule reported after the last round, and how
            well they told clients apart in all rounds, see ``judgement``; by field.
        seconds: where the time went.
        batch: of all runs of its batch, what the seeds fixed, and the final states.
        place: its place in the batch.
    """

    seed: int
    curve: tuple[tuple[int, Outcome], ...]
    dropped: int
    served: dict[str, float | None]
    seconds: Seconds
    batch: tuple[Setup, TrainingState]
    place: int

    @property
    def setup(self) -> Setup:
        """What its seed fixed; copied out of the batch when it is asked for."""
        return _at(self.place, self.batch[0])

    @property
    def state(self) -> TrainingState:
        """Its state after the last round; copied when it is asked for."""
        return _at(self.place, self.batch[1])

    @property
    def most_popular(self) -> Outcome:
        """What an evaluation with its candidates finds of the most popular items."""
        return _at(self.place, jax.device_get(self.batch[0].most_popular))

    @property
    def most_uploaded(self) -> int:
        """The largest number of distinct items that a benign client uploads."""
        return int(np.asarray(self.batch[0].pairs.most_uploaded)[self.place])


def results_of_batch(
    seeds: Sequence[int],
    reports: Sequence[Reported],
    batch: tuple[Setup, TrainingState],
    seconds: tuple[float, float, float],
) -> list[RunResult]:
    """What the runs of a batch came to.

    Args:
        seeds: of the runs.
        reports: of all calls, from round -1 to the last.
        batch: what the seeds fixed, and the final states.
        seconds: of compiling, of the whole batch without it, and of one evaluation.

    Raises:
        NoRoomError: if an item received more rows than there is room for.
    """
    compiling, spent, one_evaluation = seconds
    evaluations = sum(int(np.sum(one.report.evaluated[0])) for one in reports)
    evaluation = one_evaluation * evaluations
    share = Seconds(
        compile=0.0,
        train=max(spent - evaluation, 0.0) / len(seeds),
        evaluation=evaluation / len(seeds),
    )
    results = []
    for place, seed in enumerate(seeds):
        of_run = [_at(place, one.report) for one in reports]
        _check_room(seed, of_run)
        counts = [report.counts for report in of_run]
        curve = [
            at
            for one, report in zip(reports, of_run, strict=True)
            for at in _curve(report, one.numbers)
        ]
        result = RunResult(
            seed,
            tuple(curve),
            sum(int(np.sum(one.dropped)) for one in counts),
            _served(counts),
            share if place else share._replace(compile=compiling),
            batch,
            place,
        )
        results.append(result)
    return results


def _served(counts: Sequence[RoundCounts]) -> dict[str, float | None]:
    """The record's fields of what the server reported and how it judged clients."""
    last = {
        f"{REPORTED}{name}": float(values[-1]) if np.isfinite(values[-1]) else None
        for name, values in counts[-1].reported.items()
    }
    if counts[0].judgement is None:
        return last
    judged = [one.judgement for one in counts]
    joined = jax.tree.map(lambda *parts: np.concatenate(parts), *judged)
    return last | as_fields(joined)


def _at(index: int, values: T) -> T:
    return jax.tree.map(lambda leaf: leaf[index], values)


def _check_room(seed: int, reports: Sequence[RoundReport]) -> None:
    overflow = sum(int(np.sum(report.counts.overflow)) for report in reports)
    if overflow:
        raise NoRoomError(
            f"seed {seed}: {overflow} uploads found no room in the tables by item"
        )


def _curve(report: RoundReport, numbers: np.ndarray) -> list[tuple[int, Outcome]]:
    """The evaluations in one run's report of some rounds, by finished rounds."""
    return [
        (int(numbers[index]) + 1, _at(index, report.outcome))
        for index in np.flatnonzero(report.evaluated).tolist()
    ]
