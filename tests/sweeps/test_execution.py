"""How runs are divided among devices, or a run is spread over them."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.execution import Execution, ExecutionOptions, plan_execution, recorded


@pytest.mark.parametrize("devices", [1, 2, 8])
def test_a_single_run_is_spread_over_all_devices(devices):
    assert plan_execution(1, ExecutionOptions(devices)) == Execution(
        spread=devices, divided=1, runs=1
    )


@pytest.mark.parametrize(
    ("num_runs", "devices", "divided"), [(2, 1, 1), (2, 2, 2), (3, 8, 3), (50, 8, 8)]
)
def test_several_runs_are_divided_among_the_devices(num_runs, devices, divided):
    expected = Execution(spread=1, divided=divided, runs=divided)
    assert plan_execution(num_runs, ExecutionOptions(devices)) == expected


def test_more_runs_at_once_than_devices_may_be_asked_for():
    assert plan_execution(10, ExecutionOptions(2, 6)) == Execution(
        spread=1, divided=2, runs=6
    )
    assert plan_execution(10, ExecutionOptions(4, 2)) == Execution(
        spread=1, divided=2, runs=2
    )


def test_runs_that_the_devices_do_not_divide_are_refused():
    with pytest.raises(InvalidInputError, match=r"runs_at_once=3: .* the 2 devices"):
        plan_execution(10, ExecutionOptions(2, 3))


@pytest.mark.parametrize("num_runs", [1, 10])
def test_runs_may_be_spread_one_after_the_other(num_runs):
    options = ExecutionOptions(devices=8, spread_runs=True)
    expected = Execution(spread=8, divided=1, runs=1)
    assert plan_execution(num_runs, options) == expected
    with pytest.raises(InvalidInputError, match="runs_at_once=2: runs that are spread"):
        plan_execution(num_runs, options._replace(runs_at_once=2))


@pytest.mark.parametrize(
    ("execution", "devices"), [(Execution(4, 1, 1), 4), (Execution(1, 2, 6), 2)]
)
def test_a_record_names_the_devices_used(execution, devices):
    assert recorded(execution) == {
        "num_devices": devices,
        "runs_at_once": execution.runs,
    }
