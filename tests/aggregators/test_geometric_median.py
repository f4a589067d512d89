"""The geometric median: where its steps lead."""

import numpy as np
import pytest

from jaxfr.aggregators import geometric_median

from .oracles import MEAN, aggregated
from .samples import rows_of_one_item

MANY_STEPS = geometric_median(1e-4, steps=100).make()
DRAWN = np.random.default_rng(0).normal(size=(9, 3))


def median_of(rows: np.ndarray, rule=MANY_STEPS) -> np.ndarray:
    return aggregated(rule, rows_of_one_item(rows), 0)[0]


def sum_of_distances(rows: np.ndarray, point: np.ndarray) -> float:
    return float(np.linalg.norm(rows - point, axis=1).sum())


def test_steps_lead_to_the_least_sum_of_distances():
    found = median_of(DRAWN)
    least = sum_of_distances(DRAWN, found)
    for direction in (*np.eye(3), *-np.eye(3)):
        assert sum_of_distances(DRAWN, found + 0.01 * direction) > least
    # There unit vectors to the rows cancel.
    away = DRAWN - found
    pull = np.sum(away / np.linalg.norm(away, axis=1, keepdims=True), axis=0)
    np.testing.assert_allclose(pull, 0, atol=1e-3)


def test_each_step_is_one_closer():
    sums = [
        sum_of_distances(DRAWN, median_of(DRAWN, geometric_median(1e-4, steps).make()))
        for steps in range(4)
    ]
    assert sums == sorted(sums, reverse=True)
    assert sums[0] > sums[3]


def test_without_a_step_or_with_much_smoothing_it_is_the_mean():
    mean = aggregated(MEAN, rows_of_one_item(DRAWN), 0)[0]
    for rule in (geometric_median(steps=0), geometric_median(1e3)):
        np.testing.assert_allclose(median_of(DRAWN, rule.make()), mean, atol=1e-6)


@pytest.mark.parametrize("size", [1e3, 1e10])
def test_fewer_outliers_than_half_the_rows_do_not_carry_it_off(size):
    rows = np.concatenate([DRAWN, np.full((6, 3), size)])
    assert np.abs(median_of(rows)).max() < 2 * np.abs(DRAWN).max()
