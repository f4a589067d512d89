"""Fang with partial and with full knowledge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jaxfr.attacks.rows import Scope
from jaxfr.uploads import Uploads
from tests.attacks.scopes import (
    benign_uploads,
    every_scope,
    moments,
    negative,
    rows_in_scope,
    send,
)
from tests.uploads.samples import DIM, NUM_ITEMS

MANY = 4000
either_knowledge = pytest.mark.parametrize("name", ["fang", "fang_full_knowledge"])


def uniform_standard_error(width: float) -> float:
    return width / np.sqrt(12 * MANY)


# --- partial knowledge ---


def interval_of_partial_knowledge(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where 4 and where 3 deviations against the mean lead, ``[d]`` each."""
    mean, deviation = moments(rows)
    far, near = np.empty(DIM), np.empty(DIM)
    for c in range(DIM):
        sign = int(mean[c] > 0) - int(mean[c] < 0)
        far[c] = mean[c] - sign * 4 * deviation[c]
        near[c] = mean[c] - sign * 3 * deviation[c]
    return far, near


def interval_of_full_knowledge(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The interval beyond the extreme, its far and its near end, ``[d]`` each."""
    far, near = np.zeros(DIM), np.zeros(DIM)
    if len(rows) == 0:
        return far, near
    for c in range(DIM):
        values = rows[:, c]
        if values.mean() > 0:
            near[c] = values.min()
            far[c] = near[c] / 2 if near[c] > 0 else 2 * near[c]
        else:
            near[c] = values.max()
            far[c] = 2 * near[c] if near[c] > 0 else near[c] / 2
    return far, near


INTERVALS = {
    "fang": interval_of_partial_knowledge,
    "fang_full_knowledge": interval_of_full_knowledge,
}


def one_sided(seed: int) -> Uploads:
    """Benign rows of one sign in each coordinate: extremes on either side of 0."""
    benign = benign_uploads(seed)
    signs = np.array([1, -1, 1], np.float32)
    return benign._replace(
        scale=np.abs(benign.scale),
        item_scale=np.float32(0.0),
        vectors=signs * np.abs(benign.vectors),
        tables=tuple(
            table._replace(rows=signs * np.abs(table.rows)) for table in benign.tables
        ),
    )


@pytest.mark.parametrize("sided", [False, True])
@every_scope
@either_knowledge
def test_rows_are_uniform_in_their_interval(name, scope, sided):
    benign = one_sided(0) if sided else benign_uploads(0)
    sent = send(name, benign, scope, np.ones(MANY, bool)).rows
    seen = 0
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        far, near = INTERVALS[name](rows)
        for c in range(DIM):
            found, width = sent[item, :, c], abs(far[c] - near[c])
            slack = 1e-5 * (1 + max(abs(far[c]), abs(near[c])))
            assert np.all(found >= min(far[c], near[c]) - slack)
            assert np.all(found <= max(far[c], near[c]) + slack)
            if width > 0:
                seen += 1
                middle = (far[c] + near[c]) / 2
                assert abs(found.mean() - middle) < 5 * uniform_standard_error(width)
                share = (found - near[c]) / (far[c] - near[c])
                assert stats.kstest(share, "uniform").pvalue > 1e-4
    # Where all benign rows are on one side of the absent clients' zeros, those are the
    # extremes, and there is nothing beyond.
    only_zeros = name == "fang_full_knowledge" and scope == "dense" and sided
    assert (seen == 0) == only_zeros


def test_extremes_lie_on_either_side_of_zero():
    """What the tests above are to cover: all four intervals of full knowledge."""
    kinds = {
        (bool(mean > 0), bool(extreme > 0))
        for benign in (benign_uploads(0), one_sided(0))
        for rows in rows_in_scope(benign, "sparse")
        if len(rows)
        for mean, extreme in zip(
            rows.mean(axis=0), interval_of_full_knowledge(rows)[1], strict=True
        )
    }
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}


@either_knowledge
def test_coordinates_items_and_rounds_are_independent(name):
    benign = benign_uploads(2)
    everyone = np.ones(MANY, bool)
    sent = np.concatenate(
        [
            send(name, benign, "sparse", everyone, number).rows[[0, 1, 4, 5]]
            for number in (0, 1)
        ]
    )
    values = np.moveaxis(sent, 1, 2).reshape(-1, MANY)  # a line for each of them
    correlation = np.corrcoef(values) - np.eye(len(values))
    assert values.shape[0] == 8 * DIM
    assert np.abs(correlation).max() < 5 / np.sqrt(MANY)


# --- invariants ---


@every_scope
@either_knowledge
@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_opposite_benign_rows_make_opposite_rows(name, scope, seed):
    benign = benign_uploads(seed)
    found = send(name, negative(benign), scope, seed=seed).rows
    expected = -send(name, benign, scope, seed=seed).rows
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_partial_knowledge_is_beyond_the_mean_on_the_other_side(seed):
    benign = benign_uploads(seed)
    sent = send("fang", benign, "sparse", seed=seed).rows
    for item, rows in enumerate(rows_in_scope(benign, "sparse")):
        mean, deviation = moments(rows)
        against = (mean - sent[item]) * np.sign(mean)
        assert np.all(against >= 3 * deviation - 1e-4)
        assert np.all(against <= 4 * deviation + 1e-4)


def beyond(rows: np.ndarray, sent: np.ndarray) -> np.ndarray:
    """By how much a row is beyond all benign rows, against their mean, ``[d]``."""
    if len(rows) == 0:
        return np.zeros(DIM)
    down = rows.mean(axis=0) > 0
    return np.where(down, rows.min(axis=0) - sent, sent - rows.max(axis=0))


@every_scope
@settings(max_examples=20)
@given(seed=st.integers(0, 99), sided=st.booleans())
def test_full_knowledge_is_beyond_every_benign_row(scope: Scope, seed, sided):
    benign = one_sided(seed) if sided else benign_uploads(seed)
    sent = send("fang_full_knowledge", benign, scope, seed=seed).rows
    assert sent.shape[0] == NUM_ITEMS
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        for row in sent[item]:
            assert np.all(beyond(rows, row) >= -1e-5)
