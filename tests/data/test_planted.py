import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.data.options import SyntheticSettings
from jaxfr.data.planted import draw_activity, draw_factors


@given(
    num_users=st.integers(1, 40),
    num_items=st.integers(3, 40),
    share=st.floats(0, 1),
    sigma=st.floats(0, 10),
    seed=st.integers(0, 99),
)
def test_activity_sums_to_the_pairs_and_leaves_a_negative(
    num_users, num_items, share, sigma, seed
):
    low, high = 2 * num_users, (num_items - 1) * num_users
    pairs = low + int(share * (high - low))
    settings = SyntheticSettings(
        num_users, num_items, pairs, activity_sigma=sigma, seed=seed
    )
    activity = draw_activity(settings, np.random.default_rng(seed))
    assert activity.sum() == pairs
    assert activity.min() >= 2
    assert activity.max() <= num_items - 1


def test_activity_is_log_normal_with_the_given_spread():
    settings = SyntheticSettings(20_000, 10_000, 2_000_000, activity_sigma=0.7)
    logarithm = np.log(draw_activity(settings, np.random.default_rng(0)))
    assert logarithm.std() == pytest.approx(0.7, rel=0.03)
    assert np.median(logarithm) == pytest.approx(logarithm.mean(), abs=0.02)


@pytest.mark.parametrize("strength", [0, 2, 20])
def test_factors_are_distributions_over_items(strength):
    settings = SyntheticSettings(signal_strength=strength)
    factors = draw_factors(settings, np.random.default_rng(0))
    assert factors.item_probability.shape == (8, settings.num_items)
    np.testing.assert_allclose(factors.item_probability.sum(axis=1), 1)
    np.testing.assert_allclose(factors.cumulative_mixture[:, -1], 1, rtol=1e-5)
    assert (np.diff(factors.cumulative_items) >= 0).all()
    assert factors.cumulative_items[-1] == pytest.approx(8)


def test_without_signal_every_factor_is_the_power_law():
    settings = SyntheticSettings(signal_strength=0, popularity_exponent=2.0)
    probability = draw_factors(settings, np.random.default_rng(0)).item_probability
    rank = np.arange(1, settings.num_items + 1)
    expected = (1 / rank) / (1 / rank).sum()
    for row in probability:
        np.testing.assert_allclose(np.sort(row)[::-1], expected)


def test_the_stronger_the_signal_the_more_the_factors_differ():
    def distance(strength):
        settings = SyntheticSettings(signal_strength=strength)
        rows = draw_factors(settings, np.random.default_rng(0)).item_probability
        return np.abs(rows[0] - rows[1]).sum()

    assert distance(0) < 1e-12 < distance(0.5) < distance(2) < distance(6)
