"""Less trust along the directions in which clients vary most."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import caf
from jaxfr.aggregators.stages.caf import filtered_trust
from jaxfr.aggregators.stages.sketches import client_sketches, top_direction
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.samples import KINDS

from .seeing import clients_of, outcome


def loop_steps(vectors: np.ndarray, enough: float) -> list[tuple[float, np.ndarray]]:
    """Trusts, each behind the variance under them, in float64 but for directions."""
    trust, found = np.ones(len(vectors)), []
    while True:
        centred = vectors - trust @ vectors / trust.sum()
        direction = np.asarray(top_direction(jnp.asarray(centred), jnp.asarray(trust)))
        tau = (centred @ direction) ** 2
        found.append((trust @ tau / trust.sum(), trust))
        if trust.sum() <= enough or tau[trust > 0].max() < 1e-12:
            return found
        trust = trust * np.maximum(1 - tau / tau[trust > 0].max(), 0)


def least_varying(steps: list[tuple[float, np.ndarray]]) -> np.ndarray:
    return min(steps, key=lambda step: step[0])[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("byzantine", [0, 1, 2])
def test_trust_is_that_of_the_definition(kind, byzantine):
    for seed in range(6):
        uploads = uploads_of_clients(seed, kind)
        sketches = client_sketches(uploads, uploads.num_items, CLIENTS)
        ids = np.array([client.id for client in clients_of(uploads)])
        steps = loop_steps(np.asarray(sketches)[ids], len(ids) - 2 * byzantine)
        expected = np.ones(CLIENTS)
        expected[ids] = least_varying(steps)
        found = outcome(caf(), uploads, 1, byzantine).trust
        np.testing.assert_allclose(found, expected, atol=2e-3)
        assert len(steps) > byzantine


@pytest.mark.parametrize("seed", range(3))
def test_many_clients_are_filtered_in_few_passes(seed):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(200, 4)) * [1.0, 0.7, 0.5, 0.3]
    vectors[:20] += [9.0, 0, 0, 0]
    enough = 200 - 2 * 20.0
    found = filtered_trust(
        jnp.asarray(vectors, jnp.float32), jnp.ones(200, bool), jnp.float32(enough)
    )
    steps = loop_steps(vectors, enough)
    np.testing.assert_allclose(found, least_varying(steps), atol=0.02)
    assert np.mean(found[:20]) < 0.1 < 0.8 < np.mean(found[20:])
    assert len(steps) < 15


def test_it_ends_where_all_are_alike_and_where_everybody_is_declared_byzantine():
    there = jnp.arange(5) > 0
    alike = filtered_trust(jnp.ones((5, 2)), there, jnp.float32(1))
    np.testing.assert_array_equal(alike, there)
    vectors = jnp.arange(10.0).reshape(5, 2)
    assert np.all(np.isfinite(filtered_trust(vectors, there, jnp.float32(-5))))
