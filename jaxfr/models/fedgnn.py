"""FedGNN: graph attention over the items that a client holds.

Source: Wu et al., "FedGNN: federated graph neural network for privacy-preserving
recommendation", 2021 (arXiv 2102.04925); attention after Velickovic et al., "Graph
attention networks", ICLR 2018. The Spattack paper, which attacks FedGNN, does not
publish its form of it; this is one layer over the client's star.
"""

from typing import Annotated, NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.models.base import EmbeddingDim, Model
from jaxfr.models.bpr import bpr_model
from jaxfr.models.fedmf import init_embeddings
from jaxfr.parts import part
from jaxfr.ranges import COUNT
from jaxfr.shapes import Bool, Float

NEGATIVE_SLOPE = 0.2
ATTENTION_SCALE = 0.1

_glorot = jax.nn.initializers.glorot_uniform()


class GraphWeights(NamedTuple):
    """Theta, shared by all clients.

    Attributes:
        own: W_s, of the user itself.
        node: W, of the nodes around it.
        attention: a, its first half for the user, float32 ``[2 d]``.
    """

    own: Float[Array, "d d"]
    node: Float[Array, "d d"]
    attention: Array


@part
def fedgnn(
    embedding_dim: EmbeddingDim = 32, neighbours_per_item: Annotated[int, COUNT] = 0
) -> Model:
    """Scores ``h . v``, h being the user's representation by one attention layer.

    >>> model = fr.models.fedgnn(2).make()
    >>> weights = model.init_weights(jax.random.key(0), 2)
    >>> model.scores(weights, jnp.array([1.0, 2.0]), jnp.array([[3.0, 4.0]]))
    Array([11.], dtype=float32)

    Source: Wu et al., "FedGNN", 2021 (arXiv 2102.04925).

    Args:
        embedding_dim: embedding size d.
        neighbours_per_item: other users whose embeddings, without names, a client is
            sent for each of its training items.
    """
    model = bpr_model(init_embeddings, init_weights, scores, represent, embedding_dim)
    return model._replace(neighbours_per_item=neighbours_per_item)


def init_weights(key: Array, embedding_dim: int) -> GraphWeights:
    """W_s and W Glorot uniform, a ~ N(0, 0.1^2)."""
    own, node, attention = jax.random.split(key, 3)
    square = embedding_dim, embedding_dim
    return GraphWeights(
        own=_glorot(own, square),
        node=_glorot(node, square),
        attention=ATTENTION_SCALE * jax.random.normal(attention, (2 * embedding_dim,)),
    )


def represent(
    weights: GraphWeights,
    user: Float[Array, " d"],
    nodes: Float[Array, "nodes d"],
    present: Bool[Array, " nodes"],
) -> Float[Array, " d"]:
    """``h = W_s u + sum_j alpha_j W x_j`` over the nodes x_j that exist.

    ``alpha = softmax_j LeakyReLU_0.2(a . [W_s u, W x_j])``. As ``a_2 . W x_j`` is
    ``(W^T a_2) . x_j`` and the sum ``W (sum_j alpha_j x_j)``, no node is multiplied by
    a matrix.

    Args:
        present: without any node h is ``W_s u``.

    Returns:
        H.
    """
    chex.assert_rank([user, nodes, present], [1, 2, 1])
    own = weights.own @ user
    for_user, for_node = jnp.split(weights.attention, 2)
    fit = for_user @ own + nodes @ (weights.node.T @ for_node)
    fit = jax.nn.leaky_relu(fit, NEGATIVE_SLOPE)
    # A finite stand-in: the derivative of a softmax over -inf alone is NaN.
    fit = jnp.where(present, fit, jnp.finfo(fit.dtype).min)
    alpha = jnp.where(present, jax.nn.softmax(fit), 0.0)
    return own + weights.node @ (alpha @ nodes)


def scores(weights: GraphWeights, representation: Array, items: Array) -> Array:
    """``h . v_j`` for each item, ``[d]`` and ``[k, d]`` to ``[k]``."""
    del weights
    return items @ representation
