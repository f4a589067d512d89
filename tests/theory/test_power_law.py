"""Hurwitz's zeta function, and the fit of a discrete power law."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.theory.power_law import MINIMUM_TAIL, fit_power_law, hurwitz_zeta


def sample_power_law(exponent: float, minimum: int, size: int, seed: int) -> np.ndarray:
    """Draws from the discrete law by inverting its distribution function."""
    support = np.arange(minimum, 10**6, dtype=np.float64)
    cumulative = np.cumsum(support**-exponent)
    uniform = np.random.default_rng(seed).random(size)
    return minimum + np.searchsorted(cumulative, uniform * cumulative[-1])


@pytest.mark.parametrize(
    ("exponent", "start", "value"),
    [
        (2, 1, math.pi**2 / 6),
        (4, 1, math.pi**4 / 90),
        (3, 1, 1.2020569031595942854),
        (1.5, 1, 2.6123753486854883433),
        (1.01, 1, 100.57794333849687),
        (2, 0.5 + 1, math.pi**2 / 2 - 4),
        (20, 1, 1 + 2.0**-20 + 3.0**-20 + 4.0**-20),
    ],
)
def test_zeta_has_its_known_values(exponent, start, value):
    np.testing.assert_allclose(hurwitz_zeta(exponent, start), value, rtol=1e-12)


@given(st.floats(1.001, 20), st.integers(1, 10**5))
@settings(max_examples=100)
def test_zeta_loses_its_first_term_from_one_start_to_the_next(exponent, start):
    whole = hurwitz_zeta(exponent, start)
    rest = hurwitz_zeta(exponent, start + 1)
    np.testing.assert_allclose(rest + float(start) ** -exponent, whole, rtol=1e-12)


@pytest.mark.parametrize(("exponent", "minimum"), [(1.8, 1), (2.5, 1), (2.5, 10)])
def test_the_fit_recovers_a_planted_exponent(exponent, minimum):
    sample = sample_power_law(exponent, minimum, 20_000, seed=0)
    fit = fit_power_law(sample, minimum_degree=minimum)
    assert abs(fit.exponent - exponent) < 4 * fit.standard_error
    assert fit.standard_error < 0.03
    assert fit.num_tail_items == 20_000
    assert fit.ks_distance < 1.5 / math.sqrt(20_000)


def test_the_fit_finds_where_the_power_law_begins():
    tail = sample_power_law(2.5, 20, 10_000, seed=1)
    body = np.random.default_rng(2).integers(1, 20, 10_000)
    fit = fit_power_law(np.concatenate([tail, body, np.zeros(500, int)]))
    assert 18 <= fit.minimum_degree <= 40
    assert abs(fit.exponent - 2.5) < 4 * fit.standard_error
    assert fit.num_tail_items == np.sum(tail >= fit.minimum_degree) + np.sum(
        body >= fit.minimum_degree
    )


def test_the_exponent_maximises_the_likelihood():
    sample = sample_power_law(2.2, 3, 2_000, seed=3)
    fit = fit_power_law(sample, minimum_degree=3)

    def log_likelihood(exponent: float) -> float:
        scale = np.log(hurwitz_zeta(exponent, 3))
        return -len(sample) * scale - exponent * np.log(sample).sum()

    best = log_likelihood(fit.exponent)
    grid = fit.exponent + np.array([-0.1, -1e-3, 1e-3, 0.1])
    assert all(log_likelihood(exponent) < best for exponent in grid)


def test_the_distance_is_the_largest_gap_over_all_integers():
    sample = sample_power_law(2.2, 3, 500, seed=4)
    fit = fit_power_law(sample, minimum_degree=3)
    integers = np.arange(3, sample.max() + 1)
    weights = integers**-fit.exponent / hurwitz_zeta(fit.exponent, 3)
    data = np.searchsorted(np.sort(sample), integers, side="right") / len(sample)
    gap = np.abs(data - np.cumsum(weights)).max()
    np.testing.assert_allclose(fit.ks_distance, gap, atol=1e-9)


@pytest.mark.parametrize(
    ("degrees", "minimum"),
    [
        (np.zeros(100, int), None),
        (np.full(100, 7), None),
        (np.arange(MINIMUM_TAIL), None),
        (np.arange(100), 99),
        (np.arange(100), 60),
        (np.arange(100), 1000),
    ],
)
def test_too_little_data_is_refused(degrees, minimum):
    with pytest.raises(InvalidInputError, match="at least 50 items"):
        fit_power_law(degrees, minimum)
