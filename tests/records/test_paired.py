"""Differences over the same seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from jaxfr.records import Record
from jaxfr.records.paired import (
    difference_rows,
    format_differences,
    paired_differences,
    worst_of_seeds,
)

SEEDS = 6
GENERATOR = np.random.default_rng(0)
SHARED = GENERATOR.normal(0, 0.1, SEEDS)
VALUES = {
    (rule, attack): 0.5 + effect + SHARED + GENERATOR.normal(0, 0.01, SEEDS)
    for rule, effect in (("mean", 0.0), ("median", 0.02), ("krum", 0.021))
    for attack in ("none", "lie")
}
BY = ["aggregator", "attack"]


def record(rule: str, attack: str, seed: int, value: float | None) -> Record:
    return {"aggregator": rule, "attack": attack, "seed": seed, "hr@10": value}


RECORDS = [
    record(*group, seed, float(value))
    for group, values in VALUES.items()
    for seed, value in enumerate(values)
]


def test_differences_are_those_of_the_paired_t_test():
    found = paired_differences(RECORDS, BY, "aggregator", "hr@10")
    assert [(one.group, one.first, one.second) for one in found] == [
        ((attack,), first, second)
        for attack in ("none", "lie")
        for first, second in (
            *(("mean", "median"), ("mean", "krum"), ("median", "krum")),
        )
    ]
    for one in found:
        attack = str(one.group[0])
        expected = stats.ttest_rel(
            VALUES[str(one.first), attack], VALUES[str(one.second), attack]
        )
        low, high = expected.confidence_interval()
        np.testing.assert_allclose(
            [one.p_value, one.low, one.high], [expected.pvalue, low, high]
        )
        assert one.pairs == SEEDS


def test_p_values_of_several_differences_rise_by_holms_method():
    found = paired_differences(RECORDS, BY, "aggregator", "hr@10")
    by_size = sorted(found, key=lambda one: one.p_value)
    rising = [(len(found) - k) * one.p_value for k, one in enumerate(by_size)]
    expected = np.minimum(np.maximum.accumulate(rising), 1)
    np.testing.assert_allclose([one.holm for one in by_size], expected)


def test_only_seeds_that_both_have_count_and_runs_of_a_seed_as_their_mean():
    records = [
        *(record("mean", "lie", seed, 0.5) for seed in (0, 1, 2)),
        *(record("krum", "lie", 0, value) for value in (0.1, 0.3)),
        *(record("krum", "lie", 1, 0.4), record("krum", "lie", 2, None)),
        record("krum", "lie", 3, 0.9),
    ]
    (one,) = paired_differences(records, ["aggregator"], "aggregator", "hr@10")
    assert one.pairs == 2
    assert one.mean == pytest.approx((0.3 + 0.1) / 2)


def test_one_pair_has_neither_interval_nor_p_value():
    records = [record("mean", "lie", 0, 0.5), record("krum", "lie", 0, 0.25)]
    found = paired_differences(records, ["aggregator"], "aggregator", "hr@10")
    assert math.isnan(found[0].p_value)
    assert format_differences(found, [], "aggregator", "hr@10").splitlines()[1] == (
        "mean - krum  1      +0.2500              -              -  -"
    )
    (row,) = difference_rows(found, [], "hr@10")
    assert (row["mean"], row["low"], row["holm"]) == (0.25, None, None)


def test_the_worst_case_is_found_for_each_seed_and_compared():
    values = {"lie": [0.1, 0.4], "fang": [0.3, 0.2], "none": [0.0, 0.0]}
    records = [
        record(rule, attack, seed, value + more)
        for rule, more in (("mean", 0.0), ("krum", 0.25))
        for attack, of_seeds in values.items()
        for seed, value in enumerate(of_seeds)
    ]
    by = ["aggregator", "attack"]
    worst = worst_of_seeds(records, by, "hr@10")
    assert [(r["aggregator"], r["seed"], r["hr@10"]) for r in worst] == [
        *(("mean", 0, 0.1), ("mean", 1, 0.2), ("krum", 0, 0.35), ("krum", 1, 0.45)),
    ]
    (one,) = paired_differences(worst, by, "aggregator", "hr@10")
    assert (one.group, one.pairs, one.mean) == (("worst case",), 2, -0.25)


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.1 + 1e-8])
def test_equal_differences_say_nothing_of_chance(shift):
    records = [
        record(rule, "lie", seed, 0.5 + more)
        for rule, more in (("mean", 0.0), ("krum", shift))
        for seed in range(3)
    ]
    (one,) = paired_differences(records, ["aggregator"], "aggregator", "hr@10")
    assert one.mean == pytest.approx(-shift)
    assert all(map(math.isnan, (one.low, one.high, one.p_value, one.holm)))
    told = format_differences([one], [], "aggregator", "hr@10")
    assert told.splitlines()[-1].split()[-3:] == ["-", "-", "-"]
