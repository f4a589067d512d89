"""SignGuard: clients whose uploads have a usual norm and usual shares of signs."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import sign_guard
from jaxfr.aggregators.stages.sign_guard import largest_cluster
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.samples import KINDS

from .seeing import clients_of, outcome


def loop_cluster(points: np.ndarray) -> np.ndarray:
    """The densest place that mean shift finds from each point, in float64."""
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    half = max(len(points) // 2, 1)
    bandwidth = np.mean(np.sort(distance, axis=1)[:, half - 1]) + 1e-6
    found = []
    for place in points:
        near = np.linalg.norm(points - place, axis=1) <= bandwidth
        while True:
            place = points[near].mean(axis=0)
            again = np.linalg.norm(points - place, axis=1) <= bandwidth
            if np.array_equal(again, near):
                break
            near = again
        found.append((near.sum(), place[0], near))
    most = max(size for size, _, _ in found)
    return max((one for one in found if one[0] == most), key=lambda one: one[1])[2]


def loop_trust(uploads, lower: float, upper: float) -> np.ndarray:
    clients = list(clients_of(uploads))
    norms = np.array([np.linalg.norm(client.rows) for client in clients])
    usual = (norms >= lower * np.median(norms)) & (norms <= upper * np.median(norms))
    shares = np.array(
        [[np.mean(np.sign(one.rows) == sign) for sign in (1, 0, -1)] for one in clients]
    )
    points = shares / np.maximum(shares.max(axis=0), 1e-30)
    trust = np.ones(CLIENTS)
    trust[[one.id for one in clients]] = usual & loop_cluster(points)
    return trust


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("band", [(0.1, 3.0), (0.9, 1.2), (0.0, 1e9)])
def test_trust_is_that_of_the_definition(kind, band):
    found, expected = [], []
    for seed in range(8):
        uploads = uploads_of_clients(seed, kind)
        found.append(outcome(sign_guard(*band), uploads).trust)
        expected.append(loop_trust(uploads, *band))
    np.testing.assert_array_equal(found, expected)
    assert 0 < np.mean(expected) < 1


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_of_some_clusters_is_found(seed):
    random = np.random.default_rng(seed)
    centres = np.array([[0.2, 0.1, 0.7], [0.8, 0.5, 0.1], [0.9, 0.0, 0.9]])
    member = np.repeat([0, 1, 2], [60, 30, 10])
    points = centres[member] + 0.02 * random.normal(size=(100, 3))
    there = random.random(100) < 0.9
    found = largest_cluster(jnp.asarray(points, jnp.float32), jnp.asarray(there))
    expected = np.zeros(100, bool)
    expected[there] = loop_cluster(points[there])
    np.testing.assert_array_equal(found, expected)
    assert not np.any(found & (member > 0))


def test_one_point_is_one_cluster():
    points, there = jnp.full((7, 3), 1 / 3), jnp.arange(7) > 1
    np.testing.assert_array_equal(largest_cluster(points, there), there)
