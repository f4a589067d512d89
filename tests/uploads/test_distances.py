"""Rows that are far apart, against NumPy's over the same rows written out."""

import functools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.devices import AXIS
from jaxfr.uploads import Uploads, item_statistics, uploads_of
from jaxfr.uploads.distances import diameter, farthest_rows
from tests.uploads.samples import (
    every_kind,
    on_devices,
    random_uploads,
    received_rows,
)

close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)


def farthest(rows: np.ndarray, point: np.ndarray) -> np.ndarray:
    return rows[np.argmax(np.linalg.norm(rows - point, axis=1))]


def walked_distance(rows: np.ndarray) -> float:
    """From the mean to the farthest row three times, and the distance from there."""
    at = rows.mean(axis=0)
    for _ in range(3):
        at = farthest(rows, at)
    return float(np.linalg.norm(farthest(rows, at) - at))


def largest_distance(rows: np.ndarray) -> float:
    return float(np.max(np.linalg.norm(rows[:, None] - rows, axis=2)))


def with_rows(seed: int, count: int) -> Uploads:
    """One item with rows in a plane, some of them far out."""
    random = np.random.default_rng(seed)
    rows = random.standard_t(3, size=(1, count, 2))
    return uploads_of(rows.astype(np.float32))


@jax.jit
def far_apart(uploads: Uploads) -> tuple[jax.Array, jax.Array]:
    """The rows farthest from the mean, and how far apart the walk found two."""
    mean = item_statistics(uploads, absent_as_zeros=False).mean
    return farthest_rows(uploads, mean), diameter(uploads, mean)


def assert_far_apart(uploads: Uploads, found: tuple[jax.Array, jax.Array]) -> None:
    for row, distance, rows in zip(*found, received_rows(uploads), strict=True):
        if len(rows):
            close(row, farthest(rows, rows.mean(axis=0)))
            close(distance, walked_distance(rows))
        else:
            assert distance == 0
            assert not np.asarray(row).any()


@every_kind
def test_rows_far_apart_are_those_of_the_walk(kind):
    for seed in range(5):
        uploads = random_uploads(seed, kind)
        assert_far_apart(uploads, far_apart(uploads))


@every_kind
@pytest.mark.parametrize("devices", [2, 5])
def test_devices_find_the_rows_of_one(kind, devices):
    uploads = random_uploads(3, kind)
    found = jax.vmap(far_apart, axis_name=AXIS)(on_devices(uploads, devices))
    for device in range(devices):
        own = jax.tree.map(lambda leaf: leaf[device], found)  # noqa: B023
        assert_far_apart(uploads, own)


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_rows_far_apart_are_half_as_far_as_any_two_and_no_farther(seed):
    uploads = with_rows(seed, 7)
    (found,) = np.asarray(far_apart(uploads)[1])
    largest = largest_distance(received_rows(uploads)[0])
    assert largest / 2 <= found * (1 + 1e-4)
    assert found <= largest * (1 + 1e-4)
