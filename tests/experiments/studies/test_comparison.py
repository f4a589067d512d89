"""Averages over seeds, how they compare, and the studies that compare runs."""

import math

import pytest

from experiments.studies import figure3, figure4, figure5
from experiments.studies.base import Material, Section
from experiments.studies.comparison import Point, Runs, average, comparison, falls
from jaxfr.records.chance import standard_error_bound
from jaxfr.sweeps.request import RunRequest
from tests.experiments.studies.invented import bases, record, tell


def test_an_average_has_the_seeds_mean_and_interval_and_the_users():
    value = average([record(0.1), record(0.3)])
    assert value.mean == pytest.approx(0.2)
    # By Student's t of one degree of freedom: 12.706 of the standard error 0.1.
    assert value.half_width == pytest.approx(1.2706, abs=1e-4)
    assert (value.runs, value.users) == (2, 900)


def test_the_bound_is_that_of_a_hit_ratio_over_users_and_seeds():
    # sqrt(0.2 * 0.8 / 900) = 0.4 / 30, and with four seeds half of it
    assert standard_error_bound(0.2, 900) == pytest.approx(0.4 / 30)
    assert average([record(0.2)] * 4).bound == pytest.approx(0.2 / 30)


def test_a_single_run_has_no_interval_by_seeds_but_one_by_users():
    value = average([record(0.2)])
    assert math.isnan(value.half_width)
    assert value.error_bar == pytest.approx(1.96 * 0.4 / 30)
    assert str(value) == "0.200"
    assert value.with_bound == "0.200 (standard error 0.013)"


def test_half_of_the_interval_is_written_behind_the_mean():
    value = average([record(0.1), record(0.3)])
    assert str(value) == "0.200 ± 1.271"
    assert value.error_bar == value.half_width


def test_a_mean_is_not_above_another_within_two_errors_of_the_difference():
    # Each bound is 0.0133, that of the difference 0.0189.
    base = average([record(0.2)])
    assert average([record(0.23)]).not_above(base)
    assert average([record(0.1)]).not_above(base)
    assert not average([record(0.25)]).not_above(base)


def test_chance_is_ten_of_the_ranked_items():
    runs = Runs("steam")
    runs[Point()] = [record(0.5, num_ranked=1000)]
    assert runs.chance(Point()) == pytest.approx(0.01)
    assert average([record(0.12)]).at_most(0.1)
    assert not average([record(0.13)]).at_most(0.1)


def test_a_fall_goes_up_by_noise_only_or_below_its_floor_and_ends_lower():
    def values(*means: float) -> list:
        return [average([record(mean)]) for mean in means]

    assert falls(values(0.4, 0.2, 0.21, 0.1))
    assert not falls(values(0.4, 0.2, 0.3, 0.1))
    assert not falls(values(0.2, 0.2))
    assert not falls(values(0.4, 0.03, 0.09))
    assert falls(values(0.4, 0.03, 0.09), floor=0.1)
    assert not falls(values(0.4, 0.03, 0.3, 0.09), floor=0.1)


def test_runs_in_which_a_metric_is_null_do_not_count():
    runs = [record(0.25), record(0.75)]
    found = average([*runs, record(0.0) | {"hr@5": None}], "hr@5")
    assert (found.runs, found.mean) == (2, 0.5)


def test_a_mean_of_no_run_is_a_dash():
    found = average([record(0.0) | {"hr@5": None}], "hr@5")
    assert (found.runs, str(found)) == (0, "-")
    assert all(map(math.isnan, (found.mean, found.half_width, found.bound)))


# --- Studies ---

POINTS = [Point(), Point("spattack_o_d", 0.2)]
FOUND: dict[str, Runs] = {}
STUDY = comparison(
    "some",
    POINTS,
    lambda found: (
        FOUND.update((runs.dataset, runs) for runs in found)
        or Section("Some", ("More.",))
    ),
)


def test_every_point_of_every_base_is_wanted_and_keeps_the_rest_of_it():
    chosen = [
        base.replace(rounds=7, attack_start=3) for base in bases("steam", seeds=2)
    ]
    wanted = STUDY.wanted(chosen)
    told = [(request.seed, tell(request)) for request in wanted]
    assert [(seed, one.attack, one.malicious_ratio) for seed, one in told] == [
        *((0, "none", 0.0), (0, "spattack_o_d", 0.2)),
        *((1, "none", 0.0), (1, "spattack_o_d", 0.2)),
    ]
    kept = {(s.dataset, s.rounds, s.experiment.attack_start) for s in wanted}
    assert kept == {("steam", 7, 3)}


def test_records_are_sorted_by_data_set_and_point_over_the_seeds():
    chosen = bases("steam", "ml-1m", seeds=2)
    records = [
        {"dataset": r.dataset, "attack": r.experiment.attack.name, "seed": r.seed}
        for r in STUDY.wanted(chosen)
    ]
    section = STUDY.present(Material(tuple(chosen), tuple(records), None))
    assert section.text == ("Steam and ML-1M; 200 rounds; 2 seeds (0, 1).", "More.")
    assert list(FOUND) == ["steam", "ml-1m"]
    assert FOUND["ml-1m"][POINTS[1]] == [
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 0},
        {"dataset": "ml-1m", "attack": "spattack_o_d", "seed": 1},
    ]
    assert [record["attack"] for record in FOUND["steam"][Point()]] == ["none"] * 2


@pytest.mark.parametrize("figure", [figure3, figure4, figure5])
def test_every_value_of_an_earlier_simulation_is_one_that_the_study_simulates(figure):
    study = figure.study()
    for (dataset, point, _), value in figure.EARLIER.items():
        base = RunRequest(dataset=dataset)
        changed = {name: getattr(point, name) for name in study.decides}
        assert base.replace(**changed) in study.wanted([base])
        assert 0 < value < 1
