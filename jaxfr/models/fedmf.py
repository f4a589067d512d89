"""FedMF: matrix factorisation with the Bayesian personalised ranking loss."""

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.models.base import (
    ClientGradient,
    ClientView,
    EmbeddingDim,
    Model,
    PairGradient,
    Weights,
)
from jaxfr.models.batch import Batch
from jaxfr.models.bpr import bpr_loss, pairwise_slopes
from jaxfr.parts import part
from jaxfr.shapes import Float

INITIAL_SCALE = 0.01


@part
def fedmf(embedding_dim: EmbeddingDim = 32) -> Model:
    """Scores ``u . v``; embeddings start from N(0, 0.01^2).

    >>> model = fr.models.fedmf(2).make()
    >>> weights = model.init_weights(jax.random.key(0), 2)
    >>> model.scores(weights, jnp.array([1.0, 2.0]), jnp.array([[3.0, 4.0]]))
    Array([11.], dtype=float32)

    Source: Rong et al., "FedRecAttack", ICDE 2022; Rendle et al., "BPR", UAI 2009.

    Args:
        embedding_dim: embedding size d.
    """
    return Model(
        init_embeddings,
        bpr_loss(scores),
        gradient,
        scores,
        pair_gradients=pair_gradients,
        embedding_dim=embedding_dim,
    )


def init_embeddings(
    key: Array, rows: int, embedding_dim: int
) -> Float[Array, "rows embedding_dim"]:
    """Draws N(0, 0.01^2)."""
    return INITIAL_SCALE * jax.random.normal(key, (rows, embedding_dim))


def scores(weights: Weights, representation: Array, items: Array) -> Array:
    """``u . v_j`` for each item, ``[d]`` and ``[k, d]`` to ``[k]``."""
    del weights
    chex.assert_rank([representation, items], [1, 2])
    return items @ representation


def gradient(view: ClientView, batch: Batch, regularization: Array) -> ClientGradient:
    """Derivative of the loss, by the chain rule through the scores.

    With ``g_j`` the derivative of the pairwise loss by the score of item j,
    ``dL/du = sum_j g_j v_j + lambda u`` and ``dL/dv_j = g_j u + lambda v_j``.
    """
    slope = pairwise_slopes(scores((), view.user, view.items), batch)
    return ClientGradient(
        user=slope @ view.items + regularization * view.user,
        vectors=view.user[None],
        vector=jnp.zeros(batch.items.shape, jnp.int32),
        scale=slope,
        item_scale=jnp.where(batch.trained, regularization, 0.0),
    )


def pair_gradients(
    user: Array, positives: Array, negatives: Array, present: Array
) -> PairGradient:
    """Derivative of the pairwise loss alone, pair by pair.

    The slope of the pair (j, k) is ``-sigma(u . v_k - u . v_j)``, and ``dL/du`` the sum
    of ``slope (v_j - v_k)``.
    """
    difference = positives - negatives
    slope = jnp.where(present, -jax.nn.sigmoid(-(difference @ user)), 0.0)
    return PairGradient(user=slope @ difference, slope=slope)
