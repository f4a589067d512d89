"""Synthetic data: what is asked for comes out, and a recommender can learn it."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.data import synthetic as module
from jaxfr.data import synthetic_dataset
from jaxfr.data.synthetic import draw_activity, draw_factors

# Dataset itself refuses repeated pairs and test items among the training items.


@settings(max_examples=40)
@given(
    num_users=st.integers(1, 30),
    num_items=st.integers(3, 300),
    share=st.floats(0, 1),
    exponent=st.floats(1.1, 4),
    strength=st.floats(0, 20, width=16),
    seed=st.integers(0, 99),
)
def test_there_are_exactly_the_pairs_asked_for_and_a_test_item_for_everyone(
    num_users, num_items, share, exponent, strength, seed
):
    low, high = 2 * num_users, (num_items - 1) * num_users
    dataset = synthetic_dataset(
        num_users=num_users,
        num_items=num_items,
        num_pairs=low + int(share * (high - low)),
        popularity_exponent=exponent,
        signal_strength=strength,
        seed=seed,
    )
    assert dataset.num_pairs == low + int(share * (high - low))
    assert (dataset.user_activity >= 1).all()
    assert (dataset.test_items >= 0).all()


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data():
    first, again, other = (synthetic_dataset(seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.train_items, again.train_items)
    np.testing.assert_array_equal(first.test_items, again.test_items)
    assert (first.test_items != other.test_items).any()


def test_many_chunks_make_one_data_set(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 500)
    dataset = synthetic_dataset(num_users=300, num_items=200, num_pairs=9_000)
    assert dataset.num_pairs == 9_000
    assert len(np.unique(dataset.train_users)) == 300


@pytest.mark.parametrize("dense_share", [0.0, 0.125, 1.0])
def test_every_way_of_drawing_follows_the_planted_probabilities(
    monkeypatch, dense_share
):
    """The first two items of many equal users, against the exact probabilities."""
    monkeypatch.setattr(module, "_DENSE_SHARE", dense_share)
    random = np.random.default_rng(1)
    factors = draw_factors((1, 6, 3), 2.2, 4.0, random)
    count = 40_000
    items = module._draw_distinct(
        factors, np.zeros(count, np.int64), np.full(count, 2), random
    ).reshape(count, 2)
    mixture = np.diff(factors.cumulative_mixture[0], prepend=0)
    p = mixture @ factors.item_probability
    pair = p[:, None] * p / (1 - p[:, None])
    np.fill_diagonal(pair, 0)
    found = np.bincount(items[:, 0] * 6 + items[:, 1], minlength=36) / count
    np.testing.assert_allclose(found.reshape(6, 6), pair, atol=0.01)


def test_what_was_drawn_stays_when_items_are_completed():
    random = np.random.default_rng(0)
    factors = draw_factors((3, 20, 2), 2.2, 4.0, random)
    users, activity, held = np.arange(3), np.array([4, 2, 5]), [3, 7, 20, 21, 45]
    found = module._complete(
        factors, users, activity, np.array([0, 2]), np.array(held), random
    )
    assert np.bincount(found // 20).tolist() == activity.tolist()
    assert len(set(found)) == activity.sum()
    assert set(held) <= set(found)


def test_item_degrees_follow_the_power_law_asked_for():
    exponent = 2.5
    dataset = synthetic_dataset(
        num_users=50_000,
        num_items=5_000,
        num_pairs=500_000,
        popularity_exponent=exponent,
        signal_strength=0,
    )
    degree = np.sort(dataset.item_popularity)[::-1]
    rank = np.arange(1, len(degree) + 1)
    middle = (rank > 50) & (rank < 2_000)
    slope = np.polyfit(np.log(rank[middle]), np.log(degree[middle]), 1)[0]
    assert slope == pytest.approx(-1 / (exponent - 1), abs=0.03)


def _hit_ratio(scores, dataset):
    """HR@10 of the test items among all items outside a user's training items."""
    scores = scores.copy()
    scores[dataset.train_users, dataset.train_items] = -np.inf
    own = scores[np.arange(dataset.num_users), dataset.test_items]
    return np.mean((scores > own[:, None]).sum(axis=1) < 10)


def test_a_factorisation_foresees_the_test_items_better_than_popularity():
    dataset = synthetic_dataset(num_users=400, num_items=300, num_pairs=12_000)
    matrix = np.zeros((dataset.num_users, dataset.num_items))
    matrix[dataset.train_users, dataset.train_items] = 1
    popularity = np.tile(dataset.item_degree, (dataset.num_users, 1)).astype(float)
    _, directions = np.linalg.eigh(matrix.T @ matrix)
    low_rank = matrix @ directions[:, -8:] @ directions[:, -8:].T
    chance = 10 / dataset.num_items
    assert _hit_ratio(popularity, dataset) > 2 * chance
    assert _hit_ratio(low_rank, dataset) > 1.3 * _hit_ratio(popularity, dataset)


# --- the model behind them ---


def test_activity_is_log_normal_with_the_given_spread():
    random = np.random.default_rng(0)
    logarithm = np.log(draw_activity(20_000, 9_999, 2_000_000, 0.7, random))
    assert logarithm.std() == pytest.approx(0.7, rel=0.03)
    assert np.median(logarithm) == pytest.approx(logarithm.mean(), abs=0.02)


def factors_of(strength, exponent=2.2):
    random = np.random.default_rng(0)
    return draw_factors((943, 1682, 8), exponent, strength, random)


def test_without_signal_every_factor_is_the_power_law():
    rank = np.arange(1, 1683)
    expected = (1 / rank) / (1 / rank).sum()
    for row in factors_of(0, exponent=2.0).item_probability:
        np.testing.assert_allclose(np.sort(row)[::-1], expected)


def test_the_bits_of_a_seed_are_those_of_earlier_versions():
    data = synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    digest = hashlib.sha256()
    for array in (data.train_users, data.train_items, data.test_items):
        assert array.dtype == np.int32
        digest.update(array.astype("<i4").tobytes())
    assert digest.hexdigest()[:16] == "1ad0663a9c4770a0"
