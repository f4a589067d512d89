"""The host's loop over calls and batches gives what one compiled run gives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.experiment import Experiment
from jaxfr.training import RoundReport, TrainingState, simulate
from jaxfr.training.batch import Run, rounds_of_next_call, run_batch
from jaxfr.training.compiled import CompiledRuns, compile_programs
from jaxfr.training.costs import measure_costs
from jaxfr.training.result import RunResult
from tests.training.problem import EXPERIMENT, changed, small_layout

ONE = changed(EXPERIMENT, learning_rate=0.1)
OTHER = changed(EXPERIMENT, learning_rate=0.03, regularization=0.2)
RUNS = [Run(4, ONE), Run(0, OTHER), Run(1, ONE)]
ROUNDS, EVAL_EVERY, PER_CALL = 50, 20, 3  # the last call is cut short


@jax.jit
def in_one_go(
    key: jax.Array, experiment: Experiment
) -> tuple[TrainingState, RoundReport]:
    return simulate(experiment, small_layout(), ROUNDS, key, EVAL_EVERY)


@functools.cache
def programs(runs: int) -> CompiledRuns:
    layout = small_layout()
    return compile_programs(ONE, layout, ROUNDS, runs=runs, rounds_per_call=PER_CALL)


def run_all(runs: int) -> tuple[list[RunResult], list[int]]:
    progress: list[int] = []
    found = []
    for first in range(0, len(RUNS), runs):
        found += run_batch(
            programs(runs),
            RUNS[first : first + runs],
            ROUNDS,
            EVAL_EVERY,
            on_rounds=progress.append,
        )
    return found, progress


@functools.cache
def finished(runs: int) -> tuple[list[RunResult], list[int]]:
    return run_all(runs)


@pytest.mark.parametrize("runs", [1, 2])
def test_every_run_ends_where_one_compiled_run_of_it_ends(runs):
    found, progress = finished(runs)
    assert sum(progress) == len(RUNS) * ROUNDS
    # No call has more rounds than there is room for.
    assert max(progress) <= PER_CALL * runs
    assert [run.seed for run in found] == [4, 0, 1]
    for result, run in zip(found, RUNS, strict=True):
        state, report = in_one_go(jax.random.key(run.seed), run.experiment)
        np.testing.assert_allclose(
            result.state.item_embeddings, state.item_embeddings, atol=1e-6
        )
        assert [number for number, _ in result.curve] == [0, 20, 40, 50]
        for number, outcome in result.curve[1:]:
            scheduled = jax.tree.map(
                lambda leaf: leaf[number - 1],  # noqa: B023
                report.outcome,
            )
            jax.tree.map(np.testing.assert_allclose, outcome, scheduled)
        assert result.dropped == 0


@pytest.mark.parametrize("seconds", [0.0, 1e6])
def test_a_run_ends_in_the_same_bits_however_long_its_calls_may_take(
    monkeypatch, seconds
):
    monkeypatch.setattr("jaxfr.training.batch.SECONDS_PER_CALL", seconds)
    found, progress = run_all(1)
    for run, before in zip(found, finished(1)[0], strict=True):
        jax.tree.map(np.testing.assert_array_equal, run.curve, before.curve)
        jax.tree.map(np.testing.assert_array_equal, run.state.items, before.state.items)
    # Round -1, which trains nothing, is in the first call together with round 0.
    if seconds == 0.0:
        assert progress == [1] * ROUNDS * len(RUNS)
    if seconds == 1e6:
        assert progress == [1, *[3] * 16, 1] * len(RUNS)


def test_runs_at_once_share_the_time_and_the_first_of_all_bears_the_compilation():
    found, _ = finished(2)
    assert found[0].seconds.compile == programs(2).seconds > 0
    assert found[1].seconds.compile == 0
    # Of so short a run either may be lost in the noise of the clock.
    assert all(run.seconds.train + run.seconds.evaluation > 0 for run in found)
    assert found[0].seconds.train == found[1].seconds.train
    assert found[0].seconds != found[2].seconds


@pytest.mark.parametrize(
    ("rounds", "seconds", "expected"),
    [(2, 0.1, 20), (100, 0.5, 200), (100, 4.0, 25), (3, 60.0, 1), (5, 0.0, 5 * 10**6)],
)
def test_the_next_call_has_as_many_rounds_as_take_a_second(rounds, seconds, expected):
    assert rounds_of_next_call(rounds, seconds) == expected


def test_measuring_what_calls_cost_changes_no_run():
    costs = measure_costs(programs(2))
    assert costs.start > 0
    assert costs.call > 0
    # Of so small a problem the difference of two calls may be lost in the noise.
    assert costs.round >= 0
    assert costs.evaluation >= 0
    again, _ = run_all(2)
    for run, before in zip(again, finished(2)[0], strict=True):
        jax.tree.map(np.testing.assert_array_equal, run.curve, before.curve)


def test_uploads_without_room_end_the_run():
    def with_overflow(*arguments):
        state, report = programs(1).train(*arguments)
        # In the first call only: how many calls there are, the clock decides.
        of_first = jnp.where(arguments[4][0] == -1, 4, 0)
        overflow = report.counts.overflow.at[0, 0].set(of_first)
        return state, report._replace(counts=report.counts._replace(overflow=overflow))

    crowded = programs(1)._replace(train=with_overflow)
    with pytest.raises(RuntimeError, match="seed 0: 4 uploads found no room"):
        run_batch(crowded, [Run(0, ONE)], 3, 0)
