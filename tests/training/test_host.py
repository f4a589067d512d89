"""The host's loop over stretches and seeds gives what one compiled run gives."""

import functools

import jax
import numpy as np
import pytest

from jaxfr.training import Hyperparameters, RoundReport, TrainingState, simulate
from jaxfr.training.host import Programs, Run, compile_programs, run_seeds
from tests.training.problem import CONFIGURATION, QUICK_COMPILE, small_layout

NUMBERS = Hyperparameters(learning_rate=0.1)
ROUNDS, EVAL_EVERY = 50, 20  # stretches of three rounds, the last one cut short


@functools.partial(jax.jit, compiler_options=QUICK_COMPILE)
def in_one_go(key: jax.Array) -> tuple[TrainingState, RoundReport]:
    layout = small_layout()
    return simulate(CONFIGURATION, NUMBERS, layout, key, ROUNDS, EVAL_EVERY)


@functools.cache
def programs() -> Programs:
    return compile_programs(CONFIGURATION, NUMBERS, small_layout(), ROUNDS)


@functools.cache
def runs() -> tuple[list[Run], list[int]]:
    progress: list[int] = []
    found = run_seeds(
        programs(), NUMBERS, [4, 0], ROUNDS, EVAL_EVERY, on_rounds=progress.append
    )
    return list(found), progress


def test_every_seed_ends_where_one_compiled_run_of_it_ends():
    finished, _ = runs()
    assert [run.seed for run in finished] == [4, 0]
    for run in finished:
        key = jax.random.key(run.seed)
        state, report = in_one_go(key)
        np.testing.assert_allclose(
            run.state.item_embeddings, state.item_embeddings, atol=1e-6
        )
        assert [number for number, _ in run.curve] == [0, 20, 40, 50]
        for number, metrics in run.curve[1:]:
            scheduled = jax.tree.map(
                lambda leaf: leaf[number - 1],  # noqa: B023
                report.metrics,
            )
            jax.tree.map(np.testing.assert_allclose, metrics, scheduled)
        assert run.dropped == 0


def test_progress_counts_every_round_once():
    _, progress = runs()
    assert sum(progress) == 2 * ROUNDS
    assert set(progress) == {3, 2}


def test_only_the_first_run_bears_the_time_to_compile():
    finished, _ = runs()
    assert finished[0].seconds.compile == programs().seconds > 0
    assert finished[1].seconds.compile == 0
    assert all(run.seconds.train > 0 and run.seconds.evaluation > 0 for run in finished)


def test_uploads_without_room_end_the_run():
    def with_overflow(*arguments):
        state, report = programs().train(*arguments)
        overflow = report.counts.overflow.at[0].set(2)
        return state, report._replace(counts=report.counts._replace(overflow=overflow))

    crowded = programs()._replace(train=with_overflow)
    with pytest.raises(RuntimeError, match="seed 0: 2 uploads found no room"):
        next(run_seeds(crowded, NUMBERS, [0], 3, 0))
