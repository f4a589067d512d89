"""Propositions 1 and 2, against counting and against simulated aggregation."""

import math
from fractions import Fraction

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.theory import breakdown
from jaxfr.theory.power_law import fit_power_law, hurwitz_zeta

MEDIAN = 0.5
cancel = jax.jit(breakdown.cancelling_upload)
broken = jax.jit(breakdown.broken_items)


# --- Proposition 1 ---


@pytest.mark.parametrize("num_rows", [0, 1, 2, 1000])
def test_one_row_sets_the_mean_to_the_target(num_rows):
    generator = np.random.default_rng(num_rows)
    rows = generator.normal(size=(num_rows, 8)).astype(np.float32)
    for target in (np.zeros(8, np.float32), generator.normal(size=8)):
        upload = np.asarray(cancel(rows, target), np.float64)
        mean = np.vstack([rows.astype(np.float64), upload]).mean(axis=0)
        np.testing.assert_allclose(mean, target, atol=1e-6)


def test_the_target_is_zero_unless_one_is_named():
    rows = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
    np.testing.assert_array_equal(cancel(rows), [-4.0, -2.0])


# --- Proposition 2 ---


def test_under_the_median_an_item_falls_up_to_as_many_rows_as_attackers():
    assert breakdown.breakdown_degree(197, MEDIAN) == 197
    falls = breakdown.item_falls(np.array([0, 196, 197, 198]), 197, MEDIAN)
    np.testing.assert_array_equal(falls, [True, True, True, False])


def test_the_mean_falls_to_a_single_client_whatever_the_degree():
    assert breakdown.breakdown_degree(1, 0) == math.inf
    assert breakdown.item_falls(np.array([0, 1, 10**6]), 1, 0).all()
    assert breakdown.broken_share_power_law(2.0, 5, 1, 0) == 1
    assert breakdown.broken_share_discrete_power_law(2.0, 5, 1, 0) == 1


@pytest.mark.parametrize("breakdown_point", [0, 0.25, 0.5, 1])
def test_without_malicious_clients_nothing_falls(breakdown_point):
    assert breakdown.breakdown_degree(0, breakdown_point) == 0
    assert not breakdown.item_falls(np.arange(5), 0, breakdown_point).any()
    assert breakdown.broken_share_power_law(2.0, 1, 0, breakdown_point) == 0
    assert breakdown.broken_share_discrete_power_law(2.0, 1, 0, breakdown_point) == 0


def test_malicious_rows_may_differ_from_item_to_item():
    falls = breakdown.item_falls(np.array([3, 3, 0]), np.array([2, 3, 0]), MEDIAN)
    np.testing.assert_array_equal(falls, [False, True, False])


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
@settings(max_examples=200)
def test_the_comparison_is_exact_where_the_share_meets_the_breakdown_point(
    degree, malicious, twentieths
):
    expected = malicious > 0 and (
        Fraction(malicious, degree + malicious) >= Fraction(twentieths, 20)
    )
    falls = breakdown.item_falls(np.array([degree]), malicious, twentieths / 20)
    assert falls[0] == expected


@given(st.integers(1, 200), st.floats(0.01, 1), st.integers(0, 30))
@settings(max_examples=50)
def test_the_counted_share_is_that_of_degrees_up_to_the_breakdown_degree(
    malicious, breakdown_point, seed
):
    degrees = np.random.default_rng(seed).zipf(1.7, 300)
    limit = breakdown.breakdown_degree(malicious, breakdown_point) * (1 + 1e-12)
    counted = breakdown.broken_share_counted(degrees, malicious, breakdown_point)
    assert counted == np.mean(degrees <= limit)


def test_the_closed_form_is_that_of_the_paper():
    beta, minimum, degree = 2.3, 4, 15 * (1 - 0.3) / 0.3
    constant = (beta - 1) * minimum ** (beta - 1)
    expected = 1 - constant / (beta - 1) * degree ** (1 - beta)
    share = breakdown.broken_share_power_law(beta, minimum, 15, 0.3)
    np.testing.assert_allclose(share, expected)


@pytest.mark.parametrize(
    "share",
    [breakdown.broken_share_power_law, breakdown.broken_share_discrete_power_law],
)
def test_the_share_grows_from_zero_below_the_minimum_towards_one(share):
    shares = [share(2.1, 10, malicious, MEDIAN) for malicious in range(1, 2000, 7)]
    assert shares[0] == 0
    assert np.all(np.diff(shares) >= 0)
    assert 0.99 < shares[-1] < 1


def test_the_discrete_share_is_the_sum_of_the_law():
    integers = np.arange(3, 28)
    law = integers**-2.4 / hurwitz_zeta(2.4, 3)
    share = breakdown.broken_share_discrete_power_law(2.4, 3, 3, 0.1)
    np.testing.assert_allclose(share, law.sum(), rtol=1e-12)


def test_the_closed_forms_meet_the_count_on_degrees_that_follow_the_law():
    # The continuous law, rounded down: many items, of which 40 % lie below x_min.
    generator = np.random.default_rng(0)
    tail = np.floor(20 * generator.random(60_000) ** (-1 / 1.4)).astype(int)
    degrees = np.concatenate([generator.integers(0, 20, 40_000), tail])
    fit = fit_power_law(degrees, minimum_degree=20)
    for malicious in (20, 50, 197, 1000):
        arguments = (fit.exponent, fit.minimum_degree, malicious, MEDIAN, 0.6)
        counted = breakdown.broken_share_counted(degrees, malicious, MEDIAN)
        discrete = breakdown.broken_share_discrete_power_law(*arguments)
        closed = breakdown.broken_share_power_law(*arguments)
        assert abs(discrete - counted) < 0.01
        # Off by the one degree that the continuous law does not reach.
        assert abs(closed - counted) < 0.01 + 0.6 * 1.4 / malicious


@pytest.mark.parametrize(
    ("malicious", "breakdown_point"), [(1, -0.1), (1, 1.5), (1, math.nan), (-1, 0.5)]
)
def test_impossible_parameters_are_refused(malicious, breakdown_point):
    with pytest.raises(InvalidInputError):
        breakdown.breakdown_degree(malicious, breakdown_point)
    with pytest.raises(InvalidInputError):
        breakdown.item_falls(np.array([1]), malicious, breakdown_point)


@pytest.mark.parametrize("law", [(1.0, 1, 1.0), (2.0, 0, 1.0), (2.0, 1, 1.1)])
def test_impossible_laws_are_refused(law):
    exponent, minimum, tail_share = law
    with pytest.raises(InvalidInputError, match="exponent > 1"):
        breakdown.broken_share_power_law(exponent, minimum, 1, MEDIAN, tail_share)


# --- What a simulation broke ---


def box(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows.min(axis=0, initial=math.inf), rows.max(axis=0, initial=-math.inf)


@pytest.mark.parametrize("malicious", [0, 1, 5, 12])
def test_under_the_median_noise_breaks_exactly_the_items_that_fall(malicious):
    generator = np.random.default_rng(malicious)
    degrees = np.arange(25)
    noise = 100 * generator.choice([-1.0, 1.0], size=4)
    aggregates, lower, upper = [], [], []
    for degree in degrees:
        benign = generator.normal(size=(degree, 4))
        rows = np.vstack([benign, np.tile(noise, (malicious, 1))])
        aggregates.append(np.median(rows, axis=0) if len(rows) else np.zeros(4))
        for bounds, bound in zip((lower, upper), box(benign), strict=True):
            bounds.append(bound)
    received = degrees + malicious > 0
    found = broken(*map(np.array, (aggregates, lower, upper)), received)
    expected = breakdown.item_falls(degrees, malicious, MEDIAN)
    np.testing.assert_array_equal(found, expected)


def test_one_coordinate_outside_the_box_is_enough_and_its_edge_is_inside():
    lower, upper = np.zeros((4, 2)), np.ones((4, 2))
    aggregate = np.array([[0.0, 1.0], [0.5, 1.1], [-0.1, 0.5], [0.5, 0.5]])
    found = broken(aggregate, lower, upper, np.ones(4, bool))
    np.testing.assert_array_equal(found, [False, True, True, False])


def test_an_item_without_benign_rows_is_broken_by_any_row_and_by_none_is_not():
    lower, upper = np.full((2, 3), math.inf), np.full((2, 3), -math.inf)
    found = broken(np.zeros((2, 3)), lower, upper, np.array([True, False]))
    np.testing.assert_array_equal(found, [True, False])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_aggregate_that_is_not_finite_is_broken(value):
    lower, upper = np.full((1, 2), -math.inf), np.full((1, 2), math.inf)
    found = broken(np.array([[0.0, value]]), lower, upper, np.ones(1, bool))
    np.testing.assert_array_equal(found, [True])
