"""Bucketing: which rows are put together."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.aggregators import ServerView, bucketing
from jaxfr.aggregators.item_stages.bucketing import buckets_of_item
from tests.aggregators.samples import DIM, NUM_ITEMS, rows_of_one_item

ROWS = 12
some_weights = st.lists(st.integers(0, 4), min_size=ROWS, max_size=ROWS).map(np.array)
DIRECTION = np.array([1.0, -0.4, 0.3], np.float32)


@functools.partial(jax.jit, static_argnums=2)
def _buckets(rows: jax.Array, weight: jax.Array, size: int, unit: int):
    return buckets_of_item(rows, weight, jnp.asarray(DIRECTION), size, unit)


def buckets(rows, weight, size: int = 2, unit: int = 1) -> np.ndarray:
    """All of them one by one, in some order that depends on the rows alone."""
    given_weights = jnp.asarray(weight, jnp.int32)
    found, weights = _buckets(jnp.float32(rows), given_weights, size, unit)
    return np.repeat(found, weights, axis=0)


def drawn(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, DIM)).astype(np.float32)


@given(weight=some_weights, size=st.integers(1, 5))
@settings(max_examples=50)
def test_each_row_is_in_one_bucket_and_buckets_are_about_as_large(weight, size):
    """Of s rows if s divides their number, and else of s or fewer."""
    count = int(weight.sum())
    which = np.arange(ROWS)[:, None] == np.arange(DIM)  # rows 0, 1 and 2, marked
    found = buckets(drawn(0) * 0 + which, weight, size)
    assert len(found) == -(-count // size)
    if count % size == 0:
        np.testing.assert_allclose(size * found.sum(axis=0), weight[:DIM], atol=1e-5)
    assert np.all(found >= 0)
    assert np.all(found.sum(axis=1) <= 1 + 1e-6)


def test_buckets_of_one_row_are_the_rows():
    rows = drawn(1)
    found = buckets(rows, np.ones(ROWS), size=1)
    np.testing.assert_array_equal(found, rows[np.argsort(rows @ DIRECTION)])


@given(weight=some_weights, size=st.integers(1, 4))
@settings(max_examples=50)
def test_a_row_of_some_weight_is_as_many_rows_wherever_they_stand(weight, size):
    rows = drawn(2)
    apart = np.random.default_rng(3).permutation(np.repeat(rows, weight, axis=0))
    missing = 4 * ROWS - len(apart)
    alone = np.pad(np.ones(len(apart)), (0, missing))
    apart = np.pad(apart, ((0, missing), (0, 0)))
    found = buckets(apart, alone, size)
    np.testing.assert_allclose(found, buckets(rows, weight, size), atol=1e-6)


def test_a_client_weighs_a_bucket_s_share_also_where_trust_is_weight():
    rows, unit = drawn(4), 8
    found = buckets(rows, [*[unit] * (ROWS - 1), 0], unit=unit)
    expected = np.repeat(buckets(rows, np.arange(ROWS) < ROWS - 1), unit, axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_rounds_put_different_rows_together():
    uploads, stage = rows_of_one_item(drawn(5)), bucketing().make()

    def in_round(number: int) -> np.ndarray:
        last = jnp.zeros((NUM_ITEMS, DIM))
        view = ServerView(jnp.int32(number), jnp.int32(0), last, 0)
        made = stage.on_items(uploads, view)
        kept = np.asarray(made.weight) > 0
        return np.unique(np.asarray(made.vectors)[kept], axis=0)

    first, again, other = in_round(0), in_round(0), in_round(1)
    np.testing.assert_array_equal(first, again)
    assert len(first) == len(other) == ROWS // 2
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("size", [2, 3])
def test_no_more_buckets_hold_a_malicious_row_than_there_are_such_rows(size):
    rows, weight = drawn(6), np.ones(ROWS, int)
    rows[0], weight[0] = 1e6, 3
    found = buckets(rows, weight, size)
    assert (np.abs(found).max(axis=1) > 100).sum() <= 3
