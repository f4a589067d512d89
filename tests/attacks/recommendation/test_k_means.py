"""k-means with a traced number of clusters, against NumPy's plain form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks.recommendation.k_means import (
    draw_centres,
    k_means,
    nearest_centres,
)
from tests.chances import assert_chances

POINTS, DIM, ROOM = 40, 2, 6
compiled = jax.jit(k_means)


def some_points(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(POINTS, DIM)).astype(np.float32)


def nearest(points: np.ndarray, centres: np.ndarray) -> list[int]:
    """By squared distances in float64, the first of equal ones."""
    return [
        min(range(len(centres)), key=lambda c: float(np.sum((p - centres[c]) ** 2)))
        for p in points
    ]


def plain_step(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    clusters = np.array(nearest(points, centres))
    moved = centres.copy()
    for c in range(len(centres)):
        if np.any(clusters == c):
            moved[c] = points[clusters == c].mean(axis=0)
    return moved


def plain_k_means(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Until the centres move less than 1e-4, or for 50 steps."""
    for _ in range(50):
        moved = plain_step(points, centres)
        distance = np.sqrt(np.sum((moved - centres) ** 2, axis=1)).max()
        centres = moved
        if distance < 1e-4:
            break
    return centres


@pytest.mark.parametrize("number", range(1, ROOM + 1))
def test_it_is_lloyd_s_algorithm_over_the_first_k_centres(number):
    points = some_points(number)
    found = compiled(points, jnp.asarray(points[:ROOM]), jnp.int32(number))
    exact = points.astype(np.float64)
    centres = plain_k_means(exact, exact[:number].copy())
    np.testing.assert_allclose(found.centres[:number], centres, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.cluster, nearest(exact, centres))


def test_an_empty_cluster_keeps_its_centre():
    points = some_points(1)
    far = np.array([[0, 0], [50, 50]], np.float32)
    found = compiled(points, far, jnp.int32(2))
    np.testing.assert_array_equal(found.centres[1], far[1])
    np.testing.assert_allclose(found.centres[0], points.mean(axis=0), atol=1e-6)


def test_of_equal_centres_the_first_takes_the_points():
    points = some_points(3)
    centres = jnp.ones((4, DIM)).at[0].set(9.0)
    assert np.all(nearest_centres(jnp.asarray(points), centres, jnp.int32(4)) == 1)


@pytest.mark.parametrize("size", [0.5e-4, 2e-4])
def test_it_ends_when_no_centre_moves_as_far_as_the_tolerance(size):
    """Two clusters a tolerance apart settle in the first step, or move once more."""
    points = size * np.array([[0.0], [1.0], [1.2], [5.0]], np.float32)
    start = points[:2]
    expected = plain_k_means(points.astype(np.float64), start.astype(np.float64))
    found = compiled(points, start, jnp.int32(2))
    np.testing.assert_allclose(found.centres, expected, rtol=1e-4)


def test_it_ends_after_fifty_steps_where_centres_still_move():
    points = np.random.default_rng(14).uniform(0, 100, (600, 1))
    points = points.astype(np.float32)
    exact = points.astype(np.float64)
    expected = plain_k_means(exact, exact[:ROOM].copy())
    moved = plain_step(exact, expected)
    assert np.abs(moved - expected).max() > 0.05
    found = compiled(points, points[:ROOM], jnp.int32(ROOM))
    np.testing.assert_allclose(found.centres, expected, atol=0.001)


# --- where it starts ---


def test_any_k_of_the_first_k_points_are_drawn_alike():
    draws, count = 6000, 4
    points = jnp.arange(count, dtype=jnp.float32)[:, None]
    keys = jax.random.split(jax.random.key(0), draws)
    drawn = np.asarray(jax.vmap(lambda key: draw_centres(key, points, 3))(keys))
    assert np.all([np.unique(row).size == 3 for row in drawn])
    for number in (1, 2, 3):
        sets = [frozenset(row[:number, 0].tolist()) for row in drawn]
        found = np.unique([hash(chosen) for chosen in sets], return_counts=True)[1]
        ways = {1: 4, 2: 6, 3: 4}[number]
        assert found.size == ways
        assert_chances(found, np.full(ways, 1 / ways))
