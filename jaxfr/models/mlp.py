"""MLP: a small network scores the user's and the item's embedding together."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.models.base import EmbeddingDim, Model
from jaxfr.models.bpr import bpr_model
from jaxfr.parts import part
from jaxfr.shapes import Float

INITIAL_SCALE = 0.1

_he = jax.nn.initializers.he_normal()


class TowerWeights(NamedTuple):
    """The network, shared by all clients.

    Attributes:
        first: float32 ``[2 d, d]``; its first d lines are the user's.
        second: float32 ``[d, d / 2]``, rounded up.
        second_bias: float32 ``[d / 2]``.
        output: float32 ``[d / 2]``.
    """

    first: Array
    first_bias: Float[Array, " d"]
    second: Array
    second_bias: Array
    output: Array


@part
def mlp(embedding_dim: EmbeddingDim = 32) -> Model:
    """Scores with a network of ``2 d``, ``d``, ``d / 2`` and one number.

    >>> model = fr.models.mlp(2).make()
    >>> weights = model.init_weights(jax.random.key(0), 2)
    >>> model.scores(weights, jnp.array([1.0, 2.0]), jnp.array([[3.0, 4.0]])).shape
    (1,)

    Source: He et al., "Neural collaborative filtering", WWW 2017, the MLP part: a tower
    of rectified layers, each half as wide as the one below; trained on the BPR loss.

    Args:
        embedding_dim: embedding size d.
    """
    return bpr_model(init_embeddings, init_weights, scores, embedding_dim=embedding_dim)


def init_embeddings(
    key: Array, rows: int, embedding_dim: int
) -> Float[Array, "rows embedding_dim"]:
    """Draws N(0, 0.1^2).

    Ten times those of matrix factorisation: through rectified layers smaller ones
    give the network next to no gradient to start from.
    """
    return INITIAL_SCALE * jax.random.normal(key, (rows, embedding_dim))


def init_weights(key: Array, embedding_dim: int) -> TowerWeights:
    """Layers He normal (He et al., ICCV 2015), biases 0."""
    first, second, output = jax.random.split(key, 3)
    half = -(-embedding_dim // 2)
    return TowerWeights(
        first=_he(first, (2 * embedding_dim, embedding_dim)),
        first_bias=jnp.zeros(embedding_dim),
        second=_he(second, (embedding_dim, half)),
        second_bias=jnp.zeros(half),
        output=_he(output, (half, 1))[:, 0],
    )


def scores(
    weights: TowerWeights,
    representation: Float[Array, " d"],
    items: Float[Array, "k d"],
) -> Float[Array, " k"]:
    """``w . relu(W_2 relu(W_1 [u, v_j] + b_1) + b_2)`` for each item."""
    chex.assert_rank([representation, items], [1, 2])
    of_user, of_items = jnp.split(weights.first, 2)
    # The user's part of the product is the same for all items.
    hidden = jax.nn.relu(
        items @ of_items + (representation @ of_user + weights.first_bias)
    )
    hidden = jax.nn.relu(hidden @ weights.second + weights.second_bias)
    return hidden @ weights.output
