"""The forecast of a sweep's time."""

import pytest

from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.forecast import (
    batch_seconds,
    forecast,
    format_duration,
    format_forecasts,
)
from jaxfr.sweeps.plan import plan_runs
from jaxfr.training.costs import Costs
from tests.sweeps.problem import changed

COSTS = Costs(start=1000.0, call=100.0, round=1.0, evaluation=0.01)
CLEAN = [changed(seed=seed) for seed in range(3)]
ATTACKED = [changed(attack="spattack_o_d", model="fedmf:5")]


@pytest.mark.parametrize(
    ("rounds", "eval_every", "stretch", "seconds"),
    [
        # Round -1, which evaluates the untrained state, is in the first call.
        (6, 3, 7, 1000 + 100 + 6 + 0.03),
        (7, 3, 7, 1000 + 200 + 7 + 0.04),  # the last round is evaluated in any case
        (6, 0, 2, 1000 + 400 + 6 + 0.02),
    ],
)
def test_a_batch_takes_its_start_calls_rounds_and_evaluations(
    rounds, eval_every, stretch, seconds
):
    assert batch_seconds(COSTS, rounds, eval_every, stretch) == pytest.approx(seconds)


def test_a_program_is_named_by_data_attack_aggregator_and_what_is_unusual():
    clean, attacked = plan_runs([CLEAN[0], *ATTACKED]).groups
    assert clean.title.startswith("synthetic:num_users=40")
    assert clean.title.endswith("clean mean model=fedmf:embedding_dim=4")
    assert attacked.title.endswith("spattack_o_d mean model=fedmf:embedding_dim=5")


def test_a_forecast_counts_what_is_left_and_runs_nothing(tmp_path):
    plan = plan_runs([*CLEAN, *ATTACKED])
    with open_store(tmp_path / "store") as store:
        store.append([{"run": plan.runs[0].identity}])
        measured = []
        clean, attacked = forecast(
            plan, store, ExecutionOptions(2), on_group=measured.append
        )
        assert len(store.records()) == 1
    assert measured == list(plan.groups)
    assert (clean.finished, attacked.finished) == (1, 0)
    assert (clean.at_once, attacked.at_once) == (2, 1)
    for item in (clean, attacked):
        assert item.memory > 0
        assert item.compile > 0
        assert item.seconds > 0
    *_, total = format_forecasts([clean, attacked], available=10**9).splitlines()
    assert total.startswith("4 runs of 2 programs, 3 to do: at most 0.0")
    assert "of 1.00 GB that are free" in total


def test_what_is_finished_is_not_measured(tmp_path):
    plan = plan_runs(CLEAN[:1])
    with open_store(tmp_path / "store") as store:
        store.append([{"run": plan.runs[0].identity}])
        measured = []
        (item,) = forecast(plan, store, ExecutionOptions(1), on_group=measured.append)
    assert measured == []
    assert (item.finished, item.seconds) == (1, 0.0)
    assert "0 to do" in format_forecasts([item], None)


def test_a_duration_is_told_in_the_unit_that_suits_it():
    assert format_duration(89.4) == "89.4 s"
    assert format_duration(90) == "1.5 min"
    assert format_duration(2 * 3600) == "2.0 h"
