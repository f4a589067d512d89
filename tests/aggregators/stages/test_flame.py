"""Keeping the clients of the majority's cluster, clipped to the median norm."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate, flame
from jaxfr.aggregators.base import chained
from jaxfr.aggregators.stages.flame import majority_cluster
from jaxfr.uploads import uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import KINDS

from .seeing import all_that_was_sent, clients_of, outcome, trust_by_round


def loop_cluster(vectors: np.ndarray) -> np.ndarray:
    """Links one pair after the other, the nearest first, in float64."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = units @ units.T
    component, number = np.arange(len(units)), len(units)
    pairs = itertools.combinations(range(number), 2)
    for one, other in sorted(pairs, key=lambda pair: -alike[pair]):
        component[component == component[other]] = component[one]
        inside = component == component[one]
        if inside.sum() >= number // 2 + 1:
            return inside
    return np.ones(number, bool)


@pytest.mark.parametrize("kind", KINDS)
def test_the_cluster_is_that_of_the_definition_and_is_clipped(kind):
    left_out = 0
    for seed in range(6):
        uploads = uploads_of_clients(seed, kind)
        ids, sent = all_that_was_sent(uploads)
        expected = np.ones(CLIENTS)
        expected[ids] = loop_cluster(sent)
        found = outcome(flame(), uploads, 1)
        np.testing.assert_array_equal(found.trust, expected)
        left_out += np.sum(expected == 0)

        clients = list(clients_of(uploads))
        norms = np.array([np.linalg.norm(client.rows) for client in clients])
        factors = np.minimum(1, np.median(norms) / norms)
        sums, lengths = np.zeros(uploads.item_embeddings.shape), np.zeros(CLIENTS)
        for client, factor in zip(clients, factors, strict=True):
            lengths[client.id] = factor * np.linalg.norm(client.rows, axis=1).sum()
            np.add.at(sums, client.items, factor * client.rows)
        np.testing.assert_allclose(found.norms, lengths, rtol=1e-5)
        np.testing.assert_allclose(found.sums, sums, rtol=1e-5, atol=1e-5)
    assert left_out > 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [1, 2, 3, 40, 41])
def test_the_cluster_of_many_clients_is_found_wherever_absent_ones_stand(seed, number):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(number, 5)) + 2 * (random.random((number, 1)) < 0.6)
    there = random.permutation(np.arange(number + 7) < number)
    units = np.zeros((number + 7, 5))
    units[there] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.zeros(number + 7, bool)
    expected[there] = loop_cluster(vectors)
    found = majority_cluster(jnp.asarray(units, jnp.float32), jnp.asarray(there))
    np.testing.assert_array_equal(found, expected)


def test_the_largest_group_is_not_enough_without_a_majority():
    """Of 4, 3 and 2 alike, the nearer two groups are the cluster."""
    directions = np.repeat([[1, 0, 0], [0, 1, 0], [0, 0.6, 0.8]], [4, 3, 2], axis=0)
    found = majority_cluster(jnp.asarray(directions, jnp.float32), jnp.ones(9, bool))
    np.testing.assert_array_equal(found, [False] * 4 + [True] * 5)


def test_clusters_are_found_when_it_is_their_turn():
    rounds = [uploads_of_clients(seed, "single_rows") for seed in range(4)]
    often, seldom = (trust_by_round(flame(every=n), rounds) for n in (1, 3))
    for number, same_as in enumerate((0, 0, 0, 3)):
        np.testing.assert_array_equal(seldom[number], often[same_as])
    assert np.any(often[1] != often[0])


def test_the_derivative_goes_through_the_median_norm():
    """The middle client's norm clips the longest: the mean is (1 + 2 + 2) / 3."""

    def mean_of(rows: jax.Array) -> jax.Array:
        rule = chained(flame().make(), MEAN)
        return jnp.sum(aggregate(rule, uploads_of(rows), num_clients=3)[0].rows)

    rows = jnp.array([[[1.0], [2.0], [9.0]]])
    np.testing.assert_allclose(
        jax.grad(mean_of)(rows)[0, :, 0], [1 / 3, 2 / 3, 0], atol=1e-6
    )
    assert np.all(np.isfinite(jax.grad(mean_of)(0 * rows)))
