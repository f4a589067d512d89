"""A batch that was stopped and gone on with ends in the bits of one that was not."""

import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.checkpoints import CheckpointKeeper, CheckpointOptions
from jaxfr.experiment import Experiment
from jaxfr.training.batch import Run, run_batch
from jaxfr.training.compiled import CompiledRuns, compile_programs
from jaxfr.training.result import RunResult
from tests.checkpoints.samples import assert_same_bits
from tests.training.problem import DIM, changed, configured, small_layout

ROUNDS, EVAL_EVERY, PER_CALL = 16, 5, 3
ADAM = {"client_optimizer": "adam", "server_optimizer": "adam"}


class StoppedError(Exception):
    pass


def compiled(experiment: Experiment, devices: int = 1, spread: int = 1) -> CompiledRuns:
    """Two runs, divided among devices or each spread over them."""
    return compile_programs(
        experiment,
        small_layout(spread),
        ROUNDS,
        runs=2,
        devices=devices,
        rounds_per_call=PER_CALL,
    )


def runs_of(programs: CompiledRuns) -> list[Run]:
    rates = {4: 0.1, 0: 0.03}
    return [
        Run(seed, changed(programs.experiment, learning_rate=rate))
        for seed, rate in rates.items()
    ]


def keeper(directory: pathlib.Path) -> CheckpointKeeper:
    settings = CheckpointOptions(directory, seconds=0.0)
    return CheckpointKeeper(settings, "batch", tell=lambda line: None)


class InMemory(CheckpointKeeper):
    """Keeps what is saved as it is."""

    def __init__(self, directory: pathlib.Path, found: Any = None) -> None:
        super().__init__(CheckpointOptions(directory, seconds=0.0), "batch")
        self.kept: dict[int, Any] = {}
        self.found = found
        self.template_at: Any = None

    def restore(self, template_at: Any) -> Any:
        self.template_at = template_at
        return self.found

    def save(self, finished: int, tree: Any) -> None:
        self.kept[finished] = tree


def run(programs: CompiledRuns, **options: Any) -> list[RunResult]:
    return run_batch(programs, runs_of(programs), ROUNDS, EVAL_EVERY, **options)


def run_call_by_call(
    programs: CompiledRuns, directory: pathlib.Path
) -> tuple[list[RunResult], list[list[int]]]:
    """Each life ends behind its second call, which is lost, or with the run."""
    lives: list[list[int]] = []
    while True:
        told: list[int] = []
        lives.append(told)

        def tell_or_stop(finished: int, told: list[int] = told) -> None:
            told.append(finished)
            if len(told) == (3 if len(lives) > 1 else 2):
                raise StoppedError

        options = {
            **dict.fromkeys(("on_rounds", "on_found"), tell_or_stop),
            "keeper": keeper(directory),
        }
        try:
            return run(programs, **options), lives
        except StoppedError:
            continue


def assert_same_outcome(found: list[RunResult], expected: list[RunResult]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.seed, one.place) == (other.seed, other.place)
        assert one.dropped == other.dropped
        assert [at for at, _ in one.curve] == [at for at, _ in other.curve]
        assert_same_bits(
            [metrics for _, metrics in one.curve],
            [metrics for _, metrics in other.curve],
        )
    assert_same_bits(found[0].batch, expected[0].batch)


@pytest.mark.parametrize(
    ("experiment", "devices", "spread"),
    [
        # With keys in the state.
        (configured("gaussian", "mean", **ADAM), 2, 1),
        (configured("gaussian", "mean", model=f"mlp:{DIM}"), 1, 2),
    ],
    ids=["divided", "spread"],
)
def test_a_batch_that_is_stopped_again_and_again_ends_in_the_same_bits(
    tmp_path, experiment, devices, spread
):
    programs = compiled(experiment, devices, spread)
    found, lives = run_call_by_call(programs, tmp_path)
    assert len(lives) > 4
    assert_same_outcome(found, run(programs))


@pytest.fixture(scope="module")
def programs() -> CompiledRuns:
    return compiled(configured("spattack_o_d", "mean", server_optimizer="momentum"))


def test_rounds_that_are_restored_are_told_as_finished(tmp_path, programs):
    found, lives = run_call_by_call(programs, tmp_path)
    assert_same_outcome(found, run(programs))
    # The first call of a life has two rounds, round -1 is an evaluation; what is told
    # is of both runs.
    assert lives == [
        *([2, 6], [2, 4, 6], [6, 4, 6], [10, 4, 6], [14, 4, 6], [18, 4, 6]),
        *([22, 4, 6], [26, 4, 2], [30, 2]),
    ]
    assert all(sum(life) <= 2 * ROUNDS for life in lives)


def test_the_seconds_of_what_is_restored_count(tmp_path, programs):
    saved = InMemory(tmp_path)
    run(programs, keeper=saved)
    assert list(saved.kept) == [1, 4, 7, 10, 13]  # the end is not saved
    spent = [kept.reported.seconds for kept in saved.kept.values()]
    assert np.all(np.diff(spent) > 0)  # of all calls so far
    last = saved.kept[13]
    later = last._replace(reported=last.reported._replace(seconds=np.array(1000.0)))
    found = run(programs, keeper=InMemory(tmp_path, (13, later)))
    assert 500 < found[0].seconds.train == found[1].seconds.train < 600


def test_the_template_is_what_was_saved(tmp_path, programs):
    looked = InMemory(tmp_path)
    run(programs, keeper=looked)
    template, saved = looked.template_at(7), looked.kept[7]
    described = [
        [(type(leaf), leaf.shape, leaf.dtype) for leaf in tree]
        for tree in map(jax.tree.leaves, (template, saved))
    ]
    assert described[0] == described[1]


def test_uploads_without_room_before_a_checkpoint_end_the_run_after_it(
    tmp_path, programs
):
    def with_overflow(*arguments):
        state, report = programs.train(*arguments)
        # In the first call only: how many calls there are, the clock decides.
        of_first = jnp.where(arguments[4][0] == -1, 2, 0)
        overflow = report.counts.overflow.at[0, 0].set(of_first)
        return state, report._replace(counts=report.counts._replace(overflow=overflow))

    def stop(finished: int) -> None:
        if finished == 6:
            raise StoppedError

    crowded = programs._replace(train=with_overflow)
    saved = {"keeper": keeper(tmp_path)}
    with pytest.raises(StoppedError):
        run(crowded, on_rounds=stop, **saved)
    with pytest.raises(RuntimeError, match="seed 4: 2 uploads found no room"):
        run(programs, **saved)


def test_a_batch_with_room_left_goes_on(tmp_path, programs):
    def only_one(**options: Any) -> list[RunResult]:
        (first, _) = runs_of(programs)
        return run_batch(programs, [first], ROUNDS, EVAL_EVERY, **options)

    def stop(finished: int) -> None:
        if finished == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        only_one(on_rounds=stop, keeper=keeper(tmp_path))
    found = only_one(keeper=keeper(tmp_path))
    assert_same_outcome(found, only_one())
