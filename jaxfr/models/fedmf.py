"""FedMF: matrix factorisation with the Bayesian personalised ranking loss.

Sources: Rong et al., "FedRecAttack", ICDE 2022; Rendle et al., "BPR", UAI 2009.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.clients.batch import Batch
from jaxfr.models.base import ClientGradient, Model, PairGradient

INITIAL_SCALE = 0.01


def fedmf() -> Model:
    """Scores ``u . v``; embeddings start from N(0, 0.01^2)."""
    return Model(init_embeddings, loss, gradient, scores, pair_gradients)


def init_embeddings(key: Array, rows: int, embedding_dim: int) -> Array:
    """Draws N(0, 0.01^2), float32 ``[rows, embedding_dim]``."""
    return INITIAL_SCALE * jax.random.normal(key, (rows, embedding_dim))


def scores(user: Array, items: Array) -> Array:
    """``u . v_j`` for each item, ``[d]`` and ``[k, d]`` to ``[k]``."""
    chex.assert_rank([user, items], [1, 2])
    return items @ user


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
    return jnp.append(-push, jnp.zeros_like(push)).at[batch.negative].add(push)


def loss(user: Array, items: Array, batch: Batch, regularization: Array) -> Array:
    """BPR plus ``lambda/2 (|u|^2 + sum over the distinct items of |v|^2)``."""
    squares = jnp.sum(jnp.where(batch.present[:, None], items**2, 0.0))
    penalty = 0.5 * regularization * (jnp.sum(user**2) + squares)
    return pairwise_loss(scores(user, items), batch) + penalty


def gradient(
    user: Array, items: Array, batch: Batch, regularization: Array
) -> ClientGradient:
    """Derivative of :func:`loss`, by the chain rule through the scores.

    With ``g_j`` the derivative of the pairwise loss by the score of item j,
    ``dL/du = sum_j g_j v_j + lambda u`` and ``dL/dv_j = g_j u + lambda v_j``.
    """
    slope = pairwise_slopes(scores(user, items), batch)
    return ClientGradient(
        user=slope @ items + regularization * user,
        vectors=user[None],
        vector=jnp.zeros(batch.items.shape, jnp.int32),
        scale=slope,
        item_scale=jnp.where(batch.present, regularization, 0.0),
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
