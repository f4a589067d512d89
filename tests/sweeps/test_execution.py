"""How runs are divided among devices, or a run is spread over them."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.execution import Execution, ExecutionOptions, plan_execution, recorded


@pytest.mark.parametrize(
    ("num_runs", "options", "expected"),
    [
        # A single run is spread over all devices, several are divided among them.
        *((1, ExecutionOptions(n), Execution(n, 1, 1)) for n in (1, 2, 8)),
        (2, ExecutionOptions(1), Execution(1, 1, 1)),
        (2, ExecutionOptions(2), Execution(1, 2, 2)),
        (3, ExecutionOptions(8), Execution(1, 3, 3)),
        (50, ExecutionOptions(8), Execution(1, 8, 8)),
        # More or fewer at once than devices may be asked for.
        (10, ExecutionOptions(2, 6), Execution(1, 2, 6)),
        (10, ExecutionOptions(4, 2), Execution(1, 2, 2)),
    ],
)
def test_a_run_is_spread_over_devices_and_several_are_divided(
    num_runs, options, expected
):
    assert plan_execution(num_runs, options) == expected


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
