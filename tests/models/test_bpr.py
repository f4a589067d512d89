"""The BPR loss of any score, and models that are told by their score."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import Neighbours, fedmf
from jaxfr.models.base import no_weights
from jaxfr.models.bpr import (
    bpr_model,
    differentiate,
    graph_nodes,
    pairwise_loss,
    pairwise_slopes,
)
from jaxfr.models.fedmf import init_embeddings, scores
from tests.models.one_client import (
    NUM_ITEMS,
    PAIRS,
    REGULARIZATION,
    assert_close,
    compiled,
    drawn_client,
    finite_differences,
    found_by,
    padded_batch,
    pairs_loss,
)

every_client = pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)

pairwise_loss_of, slopes_of = jax.jit(pairwise_loss), jax.jit(pairwise_slopes)
fedmf_by_score = compiled(bpr_model(init_embeddings, no_weights, scores))
fedmf_by_hand = compiled(fedmf().make())


def drawn_scores() -> np.ndarray:
    return np.random.default_rng(0).normal(size=NUM_ITEMS)


@every_client
def test_the_pairwise_loss_and_its_slopes_are_the_definition(pairs):
    batch, values = padded_batch(pairs), drawn_scores()
    of_batch = jnp.float32(values[batch.items])

    def loss(scores: np.ndarray) -> float:
        return pairs_loss(dict(enumerate(scores)), pairs)

    assert_close(pairwise_loss_of(of_batch, batch), loss(values))
    slopes = slopes_of(of_batch, batch)
    by_item = np.zeros(NUM_ITEMS)
    np.add.at(by_item, np.asarray(batch.items), np.asarray(slopes))
    assert_close(by_item, finite_differences(loss, values))
    assert np.all(np.asarray(slopes)[~np.asarray(batch.present)] == 0)


def test_extreme_scores_neither_overflow_nor_vanish():
    batch = padded_batch([(3, 5)], 1)
    for margin in (-1e4, 1e4):
        apart = jnp.array([margin, 0.0])
        np.testing.assert_allclose(pairwise_loss(apart, batch), max(-margin, 0.0))
        expected = [-1.0, 1.0] if margin < 0 else [0.0, 0.0]
        np.testing.assert_array_equal(pairwise_slopes(apart, batch), expected)


@pytest.mark.parametrize("pseudo", [(), (11, 12, 13)])
@every_client
def test_a_model_told_by_its_score_learns_as_one_written_by_hand(pairs, pseudo):
    """Also where pseudo items stand in the batch, which neither learns from."""
    client, batch = drawn_client(), padded_batch(pairs, pseudo=pseudo)
    found = found_by(fedmf_by_score, client, (), batch)
    assert_close(found, found_by(fedmf_by_hand, client, (), batch))
    without = found_by(fedmf_by_hand, client, (), padded_batch(pairs))
    assert_close(found, without)


def test_a_loss_is_differentiated_by_the_weights_too():
    def loss(view, batch, regularization):
        del batch
        return regularization * jnp.sum(view.weights["a"] * view.user)

    model = bpr_model(init_embeddings, no_weights, scores)
    run = compiled(model._replace(loss=loss, gradient=differentiate(loss)))
    client = drawn_client()
    found = found_by(
        run, client, {"a": 2 * np.ones(client.user.size)}, padded_batch([(3, 5)])
    )
    assert_close(found.weights, {"a": REGULARIZATION * client.user})
    assert_close(found.user, 2 * REGULARIZATION * np.ones(client.user.size))
    assert np.all(found.items == 0)


def test_a_graph_s_nodes_are_the_items_then_their_neighbours():
    items, others = np.arange(6.0).reshape(3, 2), -np.ones((2, 2))
    held, exist = np.array([True, True, False]), np.array([False, True])
    nodes, present = graph_nodes(
        jnp.asarray(items),
        jnp.asarray(held),
        Neighbours(jnp.asarray(others), jnp.asarray(exist)),
    )
    np.testing.assert_array_equal(nodes, np.concatenate([items, others]))
    np.testing.assert_array_equal(present, [True, True, False, False, True])
