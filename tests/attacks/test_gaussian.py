"""Gaussian: rows that are distributed as the benign ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.attacks.scopes import (
    benign_uploads,
    every_scope,
    moments,
    rows_in_scope,
    scaled,
    send,
)
from tests.uploads.samples import DIM, NUM_ITEMS

MANY = 4000


@every_scope
def test_rows_are_standard_normal_by_the_benign_mean_and_deviation(scope):
    benign = benign_uploads(0)
    sent = send("gaussian", benign, scope, np.ones(MANY, bool)).rows
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        mean, deviation = moments(rows)
        if len(rows) == 0 or not deviation.any():
            continue
        for coordinate in range(DIM):
            values = (sent[item, :, coordinate] - mean[coordinate]) / deviation[
                coordinate
            ]
            # Standard errors of a mean and of a deviation, five of each.
            assert abs(values.mean()) < 5 / np.sqrt(MANY)
            assert abs(values.std() - 1) < 5 / np.sqrt(2 * MANY)
            assert stats.kstest(values, "norm").pvalue > 1e-4


@every_scope
def test_coordinates_items_and_rounds_are_independent(scope):
    benign = benign_uploads(1)
    everyone = np.ones(MANY, bool)
    sent = np.concatenate(
        [
            send("gaussian", benign, scope, everyone, number).rows[[0, 1, 4, 5]]
            for number in (0, 1)
        ]
    )
    values = np.moveaxis(sent, 1, 2).reshape(-1, MANY)  # a line for each of them
    correlation = np.corrcoef(values) - np.eye(len(values))
    assert values.shape[0] == 8 * DIM
    assert np.abs(correlation).max() < 5 / np.sqrt(MANY)


@pytest.mark.parametrize("repeats", [1, 5])
def test_where_all_benign_rows_agree_the_row_is_theirs(repeats):
    benign = benign_uploads(2)
    alike = benign._replace(
        scale=np.full(benign.scale.shape, 0.0, np.float32),
        item_scale=np.float32(0.25),
        weight=np.full(benign.weight.shape, repeats),
        tables=(),
    )
    sent = send("gaussian", alike, "sparse").rows
    for item in (0, 1, 4, 5):
        expected = np.broadcast_to(0.25 * benign.item_embeddings[item], (4, DIM))
        np.testing.assert_allclose(sent[item], expected, rtol=1e-5, atol=1e-6)


@every_scope
@settings(max_examples=20)
@given(seed=st.integers(0, 99), factor=st.floats(0.1, 10))
def test_rows_grow_as_the_benign_rows_do(scope, seed, factor):
    benign = benign_uploads(seed)
    found = send("gaussian", scaled(benign, factor), scope, seed=seed).rows
    expected = factor * send("gaussian", benign, scope, seed=seed).rows
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * factor)
    assert found.shape[0] == NUM_ITEMS
