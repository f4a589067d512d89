"""Nearest neighbour mixing: what rows are mixed of."""

import importlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators.item_stages.nearest_neighbour_mixing import (
    compared_rows,
    mixed_rows,
)

# Its own name is that of the stage.
mixing = importlib.import_module(mixed_rows.__module__)
DRAWN = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


def mixed(rows, byzantine: int, weight=None) -> np.ndarray:
    weights = np.ones(len(rows)) if weight is None else weight
    given_weights = jnp.asarray(weights, jnp.int32)
    return np.asarray(
        mixed_rows(jnp.float32(rows), given_weights, jnp.int32(byzantine))
    )


@pytest.mark.parametrize("byzantine", [12, 13, 10**9])
def test_where_all_rows_may_be_byzantine_nothing_changes(byzantine):
    np.testing.assert_allclose(mixed(DRAWN, byzantine), DRAWN, rtol=1e-6)


def test_where_none_is_expected_each_row_becomes_the_mean():
    expected = np.tile(DRAWN.mean(axis=0), (12, 1))
    np.testing.assert_allclose(mixed(DRAWN, 0), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1e3, 1e20, 3e38])
def test_far_rows_leave_no_trace_in_others(size):
    rows = np.concatenate([DRAWN, [[size] * 3, [-size] * 3]])
    expected = np.tile(DRAWN.mean(axis=0), (12, 1))
    np.testing.assert_allclose(mixed(rows, 2)[:12], expected, rtol=1e-4, atol=1e-5)
    assert np.all(np.isfinite(mixed(rows, 2)))


# --- where rows are many ---


def test_few_rows_are_compared_with_all():
    index, counts = compared_rows(jnp.arange(5))
    np.testing.assert_array_equal(index, np.arange(5))
    np.testing.assert_array_equal(counts, np.arange(5))


@pytest.mark.parametrize("most_weight", [1, 4, 5000])
def test_of_many_rows_those_compared_stand_for_all(monkeypatch, most_weight):
    monkeypatch.setattr(mixing, "MOST_COMPARED", 16)
    weight = np.random.default_rng(1).integers(0, most_weight + 1, size=100)
    index, counts = map(np.asarray, compared_rows(jnp.asarray(weight, jnp.int32)))
    assert counts.sum() == weight.sum()
    assert counts.max() - counts.min() <= 1
    assert np.all(weight[index] > 0)
    assert np.all(np.diff(index) >= 0)


def test_room_for_more_rows_than_are_compared_does_not_matter(monkeypatch):
    expected = mixed(DRAWN, 5)
    monkeypatch.setattr(mixing, "MOST_COMPARED", 16)
    weight = np.pad(np.ones(12), (0, 20))
    found = mixed(np.pad(DRAWN, ((0, 20), (0, 0))), 5, weight)[:12]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_mixing_with_some_of_many_rows_is_near_to_mixing_with_all(monkeypatch):
    rows = np.random.default_rng(2).normal(size=(400, 3))
    rows[-80:] += 5
    expected = mixed(rows, 100)
    monkeypatch.setattr(mixing, "MOST_COMPARED", 128)
    found = mixed(rows, 100)
    # The other rows are 5 away in each coordinate.
    assert np.abs(found - expected).max() < 1.0
    assert np.abs(found - expected).mean() < 0.2


def test_copies_count_one_by_one():
    weight = np.array([1, 3, 2, 1, 0, 1, 1, 1, 1, 1, 1, 1])
    apart = np.repeat(DRAWN, weight, axis=0)
    found = np.repeat(mixed(DRAWN, 4, weight), weight, axis=0)
    np.testing.assert_allclose(found, mixed(apart, 4), rtol=1e-5, atol=1e-6)
