"""The host's loop: runs batch after batch, each from its start to its last round."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from jaxfr.evaluation.outcome import Outcome
from jaxfr.processes import agree
from jaxfr.training.calls import (
    ROUNDS_OF_FIRST_CALL,
    Point,
    Stretch,
    make_trainer,
    measure_evaluation,
    rounds_of_next_call,
    stacked_experiments,
    start_runs,
)
from jaxfr.training.checks import check_run
from jaxfr.training.judgement import REPORTED, as_fields
from jaxfr.training.programs import Programs
from jaxfr.training.resume import Checkpoints, restore_batch, save_batch
from jaxfr.training.round import RoundCounts
from jaxfr.training.run import RoundReport
from jaxfr.training.state import Setup, TrainingState

T = TypeVar("T")


class NoRoomError(RuntimeError):
    """An item received more rows than there is room for in the layout."""


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
        return _of_run(self.place, self.batch[0])

    @property
    def state(self) -> TrainingState:
        """Its state after the last round; copied when it is asked for."""
        return _of_run(self.place, self.batch[1])

    @property
    def most_popular(self) -> Outcome:
        """What an evaluation with its candidates finds of the most popular items."""
        return _of_run(self.place, self.batch[0].most_popular)

    @property
    def most_uploaded(self) -> int:
        """The largest number of distinct items that a benign client uploads."""
        return int(self.batch[0].pairs.most_uploaded[self.place])


def run_points(
    programs: Programs,
    points: Sequence[Point],
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any] = lambda finished: None,
) -> Iterator[Run]:
    """Runs all points, as many at once as the programs were compiled for.

    Args:
        programs: the compiled experiment.
        points: the runs.
        rounds: rounds of each run, at least 1.
        eval_every: evaluates after every so many rounds and after the last; 0 for the
            last only. The untrained state is always evaluated.
        on_rounds: told after each stretch how many more rounds are finished, those of
            all runs counted.

    Yields:
        Each run, batch by batch; the first one bears the compile time.

    Raises:
        InvalidInputError: if a run has no meaning, see
            ``check_run``.
        NoRoomError: if an item received more rows than its planned capacity, see
            ``upload_capacity``; a layout with more room helps.
    """
    if not points:
        return
    evaluation = measure_evaluation(programs, points[0])
    for first in range(0, len(points), programs.runs):
        batch = points[first : first + programs.runs]
        yield from run_batch(programs, evaluation, batch, rounds, eval_every, on_rounds)
        programs = programs._replace(seconds=0.0)


def run_batch(
    programs: Programs,
    one_evaluation: float,
    batch: Sequence[Point],
    rounds: int,
    eval_every: int,
    on_rounds: Callable[[int], Any] = lambda finished: None,
    checkpoints: Checkpoints = Checkpoints(),  # noqa: B008 (immutable)
) -> list[Run]:
    """Runs so many points as the programs take at once, or fewer.

    Args:
        programs: as in ``run_points``.
        one_evaluation: from ``measure_evaluation``, to tell training from evaluation
            in ``Run.seconds``.
        batch: the runs.
        rounds: as in ``run_points``.
        eval_every: as there.
        on_rounds: as there; rounds that a checkpoint holds are told at once.
        checkpoints: of this batch and these programs, to go on from the newest one and
            to save more; by default none. A run ends with the same bits either way.

    Raises:
        InvalidInputError: as ``check_run``.
        NoRoomError: as there.
    """
    for point in batch:
        check_run(point.experiment, programs.layout, rounds, eval_every)
    # Room that is left is filled with copies of the last run.
    filled = [*batch, *[batch[-1]] * (programs.runs - len(batch))]
    experiments = stacked_experiments(filled)
    setup, state, start_seconds = start_runs(programs, filled, experiments)
    train = make_trainer(programs, experiments, setup, rounds, eval_every)
    state, stretches = _train_to_the_end(
        train,
        *restore_batch(
            checkpoints, programs.experiment, programs.layout, state, programs.runs
        ),
        programs.stretch,
        rounds,
        lambda finished: on_rounds(len(batch) * finished),
        checkpoints,
    )
    spent = start_seconds + sum(part.seconds for part in stretches)
    num_evaluations = sum(int(np.sum(part.report.evaluated[0])) for part in stretches)
    evaluation = one_evaluation * num_evaluations
    share = Seconds(
        compile=programs.seconds,
        train=max(spent - evaluation, 0.0) / len(batch),
        evaluation=evaluation / len(batch),
    )
    return [
        _finished_run(
            point,
            place,
            stretches,
            share._replace(compile=0.0) if place else share,
            (setup, state),
        )
        for place, point in enumerate(batch)
    ]


def _train_to_the_end(
    train: Callable[[TrainingState, np.ndarray], tuple[TrainingState, Stretch]],
    state: TrainingState,
    before: Sequence[Stretch],
    stretch: int,
    rounds: int,
    on_rounds: Callable[[int], Any],
    checkpoints: Checkpoints,
) -> tuple[TrainingState, list[Stretch]]:
    """Trains through the rounds behind those stretches that are done already.

    A stretch has as many rounds as the one before it took time for, at most
    ``stretch``.
    """
    stretches = list(before)
    # The round before the first one evaluates the untrained state.
    begin = int(stretches[-1].numbers[-1]) + 1 if stretches else -1
    if begin > 0:
        on_rounds(begin)
    wanted = ROUNDS_OF_FIRST_CALL
    while begin < rounds:
        finished = min(begin + min(wanted, stretch), rounds)
        numbers = np.arange(begin, finished, dtype=np.int32)
        state, trained = train(state, numbers)
        stretches.append(trained)
        on_rounds(finished - max(begin, 0))
        if finished == rounds:
            break
        if checkpoints.due():
            save_batch(checkpoints, state, stretches)
        decide = functools.partial(rounds_of_next_call, numbers.size, trained.seconds)
        wanted = agree(decide)
        begin = finished
    return state, stretches


def _finished_run(
    point: Point,
    place: int,
    stretches: Sequence[Stretch],
    seconds: Seconds,
    batch: tuple[Setup, TrainingState],
) -> Run:
    reports = [_of_run(place, part.report) for part in stretches]
    _check_room(point.seed, reports)
    curve = tuple(
        pair
        for part, report in zip(stretches, reports, strict=True)
        for pair in _curve(report, part.numbers)
    )
    dropped = sum(int(np.sum(report.counts.dropped)) for report in reports)
    served = _served([report.counts for report in reports])
    return Run(point.seed, curve, dropped, served, seconds, batch, place)


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


def _of_run(index: int, values: T) -> T:
    return jax.tree.map(lambda leaf: leaf[index], values)


def _check_room(seed: int, reports: Sequence[RoundReport]) -> None:
    overflow = sum(int(np.sum(report.counts.overflow)) for report in reports)
    if overflow:
        raise NoRoomError(
            f"seed {seed}: {overflow} uploads found no room in the tables by item"
        )


def _curve(report: RoundReport, numbers: np.ndarray) -> list[tuple[int, Outcome]]:
    """The evaluations in one run's report of a stretch, by finished rounds."""

    def outcome_at(index: int) -> Outcome:
        return jax.tree.map(lambda leaf: leaf[index], report.outcome)

    return [
        (int(numbers[index]) + 1, outcome_at(index))
        for index in np.flatnonzero(report.evaluated).tolist()
    ]
