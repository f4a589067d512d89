"""The Bayesian personalised ranking loss of any score, and its derivative.

Source: Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI
2009. A model that is differentiated automatically is ``bpr_model`` of its score.
"""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.models.base import (
    ClientGradient,
    ClientView,
    Gradient,
    InitEmbeddings,
    InitWeights,
    Loss,
    Model,
    Neighbours,
    Represent,
    Scores,
    Weights,
)
from jaxfr.models.batch import Batch
from jaxfr.shapes import Bool, Float


def pairwise_loss(item_scores: Array, batch: Batch) -> Array:
    """``-sum over pairs (j, k) of ln sigma(s_j - s_k)``, from the items' scores."""
    margin = item_scores[: batch.pair.size] - item_scores[batch.negative]
    return -jnp.sum(jnp.where(batch.pair, jax.nn.log_sigmoid(margin), 0.0))


def pairwise_slopes(item_scores: Array, batch: Batch) -> Array:
    """Derivative of :func:`pairwise_loss` by the items' scores.

    Every pair (j, k) adds ``-sigma(s_k - s_j)`` to j and the opposite to k.
    """
    margin = item_scores[: batch.pair.size] - item_scores[batch.negative]
    push = jnp.where(batch.pair, jax.nn.sigmoid(-margin), 0.0)
    slope = jnp.zeros_like(item_scores).at[: batch.pair.size].set(-push)
    return slope.at[batch.negative].add(push)


def graph_nodes(
    items: Float[Array, "width d"], held: Bool[Array, " width"], neighbours: Neighbours
) -> tuple[Array, Array]:
    """The nodes around one client: its training items, then their neighbours.

    Returns:
        Embeddings, float32 ``[nodes, d]``, and whether each exists, bool ``[nodes]``.
    """
    return (
        jnp.concatenate([items, neighbours.embeddings]),
        jnp.concatenate([held, neighbours.present]),
    )


def bpr_loss(scores: Scores, represent: Represent | None = None) -> Loss:
    """BPR plus ``lambda/2 (|u|^2 + sum over the pairs' distinct items of |v|^2)``."""

    def loss(view: ClientView, batch: Batch, regularization: Array) -> Array:
        representation = view.user
        if represent is not None:
            held = view.items[: batch.pair.size]
            nodes = graph_nodes(held, batch.pair, view.neighbours)
            representation = represent(view.weights, view.user, *nodes)
        item_scores = scores(view.weights, representation, view.items)
        squares = jnp.sum(jnp.where(batch.trained[:, None], view.items**2, 0.0))
        penalty = 0.5 * regularization * (jnp.sum(view.user**2) + squares)
        return pairwise_loss(item_scores, batch) + penalty

    return loss


def differentiate(loss: Loss) -> Gradient:
    """The derivative of any loss, every item's as a vector of its own."""

    def gradient(
        view: ClientView, batch: Batch, regularization: Array
    ) -> ClientGradient:
        def loss_of(user: Array, items: Array, weights: Weights) -> Array:
            changed = view._replace(user=user, items=items, weights=weights)
            return loss(changed, batch, regularization)

        by_user, by_items, by_weights = jax.grad(loss_of, (0, 1, 2))(
            view.user, view.items, view.weights
        )
        number = batch.items.size
        return ClientGradient(
            user=by_user,
            vectors=by_items,
            vector=jnp.arange(number, dtype=jnp.int32),
            scale=jnp.ones(number),
            item_scale=jnp.zeros(number),
            weights=by_weights,
        )

    return gradient


def bpr_model(
    init_embeddings: InitEmbeddings,
    init_weights: InitWeights,
    scores: Scores,
    represent: Represent | None = None,
    embedding_dim: int = 32,
) -> Model:
    """A model that is told by its score, and trained on the BPR loss.

    The loss of pairs (j, k) is ``-sum ln sigma(s_j - s_k)`` and the L2 terms.

    >>> fedmf = fr.models.fedmf(2).make()
    >>> model = fr.bpr_model(fedmf.init_embeddings, fedmf.init_weights, fedmf.scores)
    >>> model.embedding_dim
    32
    """
    loss = bpr_loss(scores, represent)
    return Model(
        init_embeddings,
        loss,
        differentiate(loss),
        scores,
        init_weights,
        represent,
        embedding_dim=embedding_dim,
    )
