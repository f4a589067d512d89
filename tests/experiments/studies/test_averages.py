import math

import pytest

from experiments.studies.averages import (
    average,
    chance,
    error_bar,
    not_above,
    standard_error_bound,
    with_bound,
    with_deviation,
    with_error,
)
from tests.experiments.studies.invented import record


def test_an_average_has_the_seeds_mean_and_deviation_and_the_users():
    value = average([record(0.1), record(0.3)])
    assert value.mean == pytest.approx(0.2)
    assert value.deviation == pytest.approx(math.sqrt(0.02))
    assert value.standard_error == pytest.approx(0.1)
    assert (value.runs, value.users) == (2, 900)


def test_the_bound_is_that_of_a_hit_ratio_over_users_and_seeds():
    # sqrt(0.2 * 0.8 / 900) = 0.4 / 30, and with four seeds half of it
    assert standard_error_bound(0.2, 900) == pytest.approx(0.4 / 30)
    assert average([record(0.2)] * 4).bound == pytest.approx(0.2 / 30)


def test_a_single_run_has_no_deviation_but_a_bound():
    value = average([record(0.2)])
    assert math.isnan(value.deviation)
    assert error_bar(value) == pytest.approx(0.8 / 30)
    assert with_deviation(value) == "0.200"
    assert with_error(0.2, value.standard_error) == "0.2000"
    assert with_bound(value) == "0.200 (standard error 0.013)"


def test_deviations_and_errors_are_written_behind_the_mean():
    value = average([record(0.1), record(0.3)])
    assert with_deviation(value) == "0.200 ± 0.141"
    assert with_error(value.mean, value.standard_error) == "0.2000 ± 0.1000"
    assert error_bar(value) == pytest.approx(0.2)


def test_a_mean_is_not_above_another_within_two_errors_of_the_difference():
    # Each bound is 0.0133, that of the difference 0.0189.
    base = average([record(0.2)])
    assert not_above(average([record(0.23)]), base)
    assert not_above(average([record(0.1)]), base)
    assert not not_above(average([record(0.25)]), base)


def test_chance_is_ten_of_the_ranked_items():
    assert chance([record(0.5)]) == pytest.approx(0.1)
    assert chance([record(0.5, num_ranked=1000)]) == pytest.approx(0.01)


def test_runs_in_which_a_metric_is_null_do_not_count():
    runs = [record(0.25), record(0.75)]
    found = average([*runs, record(0.0) | {"hr@5": None}], "hr@5")
    assert (found.runs, found.mean) == (2, 0.5)


def test_a_mean_of_no_run_is_a_dash():
    found = average([record(0.0) | {"hr@5": None}], "hr@5")
    assert (found.runs, with_deviation(found)) == (0, "-")
    assert all(map(math.isnan, (found.mean, found.standard_error, found.bound)))
