"""The host's loop over stretches and batches gives what one compiled run gives."""

import functools

import jax
import numpy as np
import pytest

from jaxfr.experiment import Experiment
from jaxfr.training import RoundReport, TrainingState, simulate
from jaxfr.training.calls import Point, measure_costs, rounds_of_next_call
from jaxfr.training.host import Run, run_points
from jaxfr.training.programs import Programs, compile_programs
from tests.training.problem import EXPERIMENT, QUICK_COMPILE, changed, small_layout

ONE = changed(EXPERIMENT, learning_rate=0.1)
OTHER = changed(EXPERIMENT, learning_rate=0.03, regularization=0.2)
POINTS = [Point(4, ONE), Point(0, OTHER), Point(1, ONE)]
ROUNDS, EVAL_EVERY, STRETCH = 50, 20, 3  # the last stretch is cut short


@functools.partial(jax.jit, compiler_options=QUICK_COMPILE)
def in_one_go(
    key: jax.Array, experiment: Experiment
) -> tuple[TrainingState, RoundReport]:
    return simulate(experiment, small_layout(), ROUNDS, key, EVAL_EVERY)


@functools.cache
def programs(runs: int) -> Programs:
    layout = small_layout()
    return compile_programs(ONE, layout, ROUNDS, runs=runs, stretch=STRETCH)


@functools.cache
def finished(runs: int) -> tuple[list[Run], list[int]]:
    progress: list[int] = []
    found = run_points(programs(runs), POINTS, ROUNDS, EVAL_EVERY, progress.append)
    return list(found), progress


@pytest.mark.parametrize("runs", [1, 2])
def test_every_run_ends_where_one_compiled_run_of_it_ends(runs):
    found, _ = finished(runs)
    assert [run.seed for run in found] == [4, 0, 1]
    for run, point in zip(found, POINTS, strict=True):
        state, report = in_one_go(jax.random.key(point.seed), point.experiment)
        np.testing.assert_allclose(
            run.state.item_embeddings, state.item_embeddings, atol=1e-6
        )
        assert [number for number, _ in run.curve] == [0, 20, 40, 50]
        for number, outcome in run.curve[1:]:
            scheduled = jax.tree.map(
                lambda leaf: leaf[number - 1],  # noqa: B023
                report.outcome,
            )
            jax.tree.map(np.testing.assert_allclose, outcome, scheduled)
        assert run.dropped == 0


@pytest.mark.parametrize("runs", [1, 2])
def test_progress_counts_every_round_of_every_run_once(runs):
    _, progress = finished(runs)
    assert sum(progress) == len(POINTS) * ROUNDS
    # No call has more rounds than there is room for; of three runs, two at once, the
    # last is alone.
    assert max(progress) <= STRETCH * runs


@pytest.mark.parametrize("seconds", [0.0, 1e-3, 1e6])
def test_a_run_ends_in_the_same_bits_however_long_its_calls_may_take(
    monkeypatch, seconds
):
    monkeypatch.setattr("jaxfr.training.calls.SECONDS_PER_CALL", seconds)
    progress: list[int] = []
    found = list(run_points(programs(1), POINTS, ROUNDS, EVAL_EVERY, progress.append))
    for run, before in zip(found, finished(1)[0], strict=True):
        jax.tree.map(np.testing.assert_array_equal, run.curve, before.curve)
        jax.tree.map(np.testing.assert_array_equal, run.state.items, before.state.items)
    # Round -1, which trains nothing, is in the first call together with round 0.
    if seconds == 0.0:
        assert progress == [1] * ROUNDS * len(POINTS)
    if seconds == 1e6:
        assert progress == [1, *[3] * 16, 1] * len(POINTS)


@pytest.mark.parametrize("runs", [1, 2])
def test_only_the_first_run_bears_the_time_to_compile(runs):
    found, _ = finished(runs)
    assert found[0].seconds.compile == programs(runs).seconds > 0
    assert all(run.seconds.compile == 0 for run in found[1:])
    # Of so short a run either may be lost in the noise of the clock.
    assert all(run.seconds.train + run.seconds.evaluation > 0 for run in found)


@pytest.mark.parametrize(
    ("rounds", "seconds", "expected"),
    [(2, 0.1, 20), (100, 0.5, 200), (100, 4.0, 25), (3, 60.0, 1), (5, 0.0, 5 * 10**6)],
)
def test_the_next_call_has_as_many_rounds_as_take_a_second(rounds, seconds, expected):
    assert rounds_of_next_call(rounds, seconds) == expected


def test_runs_at_the_same_time_share_it_equally():
    (first, second, alone), _ = finished(2)
    assert first.seconds.train == second.seconds.train
    assert first.seconds != alone.seconds


def test_measuring_what_calls_cost_changes_no_run():
    costs = measure_costs(programs(2), POINTS[0])
    assert costs.start > 0
    assert costs.call > 0
    # Of so small a problem the difference of two calls may be lost in the noise.
    assert costs.round >= 0
    assert costs.evaluation >= 0
    again = list(run_points(programs(2), POINTS, ROUNDS, EVAL_EVERY))
    for run, before in zip(again, finished(2)[0], strict=True):
        jax.tree.map(np.testing.assert_array_equal, run.curve, before.curve)


def test_uploads_without_room_end_the_run():
    def with_overflow(*arguments):
        state, report = programs(1).train(*arguments)
        overflow = report.counts.overflow.at[0, 0].set(2)
        return state, report._replace(counts=report.counts._replace(overflow=overflow))

    crowded = programs(1)._replace(train=with_overflow)
    with pytest.raises(RuntimeError, match="seed 0: 4 uploads found no room"):
        next(run_points(crowded, [Point(0, ONE)], 3, 0))
