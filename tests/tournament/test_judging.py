"""Judging: worst cases found seed by seed, with intervals over seeds."""

import math

import numpy as np
import pytest

from jaxfr.tournament import judge
from jaxfr.tournament.judging import bootstrap
from tests.tournament.samples import record, trial

# By seed: clean, and under each attack.
MEAN = {0: (0.5, 0.2, 0.3), 1: (0.6, 0.4, 0.1)}
MEDIAN = {0: (0.4, 0.35, 0.38), 1: (0.5, 0.45, 0.46)}
NAMES = ("none", "a", "b")


def records_of(**by_defense: dict[int, tuple[float, ...]]) -> dict:
    return {
        trial(defense, attack, seed): record(value)
        for defense, by_seed in by_defense.items()
        for seed, values in by_seed.items()
        for attack, value in zip(NAMES, values, strict=True)
    }


def test_the_worst_attack_is_found_for_each_seed():
    undefended, defended = judge(records_of(mean=MEAN, median=MEDIAN), "hr@10")
    assert (undefended.aggregator, defended.aggregator) == ("mean", "median")
    # By means over seeds either attack leaves .3 and .2, by seeds .2 and .1.
    assert undefended.worst.mean == pytest.approx((0.2 + 0.1) / 2)
    assert defended.worst.mean == pytest.approx((0.35 + 0.45) / 2)
    assert defended.worst_attack == "a"
    assert defended.seeds == 2
    assert (defended.clean, defended.undefended_clean) == pytest.approx((0.45, 0.55))
    assert defended.cost == pytest.approx(1 - 0.45 / 0.55)
    assert defended.of_clean == pytest.approx(0.4 / 0.55)
    # Chance is .1: seed by seed (.35 - .1) / (.5 - .1) and (.45 - .1) / (.6 - .1).
    assert defended.retained == pytest.approx((0.25 / 0.4 + 0.35 / 0.5) / 2)
    assert defended.slowdown == 1.0


def test_of_a_metric_of_which_less_is_better_the_worst_is_the_most():
    undefended, _ = judge(records_of(mean=MEAN, median=MEDIAN), "er@10")
    assert undefended.worst.mean == pytest.approx((0.3 + 0.4) / 2)


def test_a_run_is_also_judged_by_its_last_evaluations_and_on_the_way():
    (found,) = judge(records_of(mean=MEAN), "hr@10")
    # The curve has four evaluations; those from round 10 of 20 on are on the way.
    last = np.mean([0.75, 1.0])
    assert found.worst_of_last == pytest.approx(0.15 * last)
    assert found.worst_on_the_way == pytest.approx(0.15 * 0.75)


def test_seeds_of_which_a_trial_is_missing_or_has_no_metric_do_not_count():
    records = records_of(mean=MEAN, median=MEDIAN)
    del records[trial("median", "a", 1)]
    _, defended = judge(records, "hr@10")
    assert defended.seeds == 1
    assert defended.worst.mean == 0.35
    records[trial("median", "a", 1)] = record(None)
    assert judge(records, "hr@10")[1].seeds == 1


def test_what_was_not_attacked_has_no_standing():
    assert judge({trial(): record(0.5)}, "hr@10") == []


def test_runs_that_diverged_are_counted():
    records = records_of(mean=MEAN)
    records[trial("mean", "a", 1)] = record(0.4, dropped_uploads=3)
    (found,) = judge(records, "hr@10")
    assert found.diverged == 1


def test_the_interval_is_that_of_means_over_resampled_seeds():
    values = [0.1, 0.2, 0.4, 0.5, 0.9]
    random = np.random.default_rng(1)
    means = random.choice(values, (200_000, 5)).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    found = bootstrap(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_of_one_seed_there_is_no_interval():
    found = bootstrap([0.3])
    assert found.mean == 0.3
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_a_row_of_a_standing_holds_no_nan():
    (found,) = judge(records_of(mean={0: MEAN[0]}), "hr@10")
    row = found.row()
    assert row["worst"] == 0.2
    assert row["worst_low"] is None
    assert row["aggregator"] == "mean"
