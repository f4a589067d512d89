"""The interface of recommenders: what one client computes with its own data.

A model knows its parameters and one client's batch; nothing of servers, uploads of
others, aggregation or attacks.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import jax
from jax import Array
from jax.flatten_util import ravel_pytree

from jaxfr.models.batch import Batch
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.sampling import KEY_KIND
from jaxfr.shapes import Bool, Float, Int
from jaxfr.showing import by_shapes

Weights = Any
"""A pytree of float32 arrays that all clients share, ``()`` for a model without any."""

EmbeddingDim = Annotated[int, COUNT_FROM_1]
"""The embedding size d, an option of every model."""


class Neighbours(NamedTuple):
    """Embeddings of other users who hold some of a client's items; nobody is named.

    >>> fr.models.Neighbours(jnp.zeros((1, 2)), jnp.ones(1, bool)).present.tolist()
    [True]

    Attributes:
        present: whether there is one.
    """

    embeddings: Float[Array, "neighbours d"]
    present: Bool[Array, " neighbours"]


class ClientView(NamedTuple):
    """What one client computes with: its own embedding, and what it was sent.

    >>> fr.models.ClientView._fields
    ('user', 'items', 'weights', 'neighbours')

    Attributes:
        user: the client's embedding.
        items: embeddings of its batch's items.
        neighbours: of its training items.
    """

    user: Float[Array, " d"]
    items: Float[Array, "items d"]
    weights: Weights
    neighbours: Neighbours


class ClientGradient(NamedTuple):
    """Derivative of one client's loss, the item part as scaled vectors.

    >>> fr.models.ClientGradient._fields[:3]
    ('user', 'vectors', 'vector')

    The derivative by the embedding of the item at position p of the batch is
    ``scale[p] * vectors[vector[p]] + item_scale[p] * item embedding``.

    Attributes:
        vectors: one is enough where all items' derivatives point the same way.
        vector: index into ``vectors``.
        weights: by the shared weights, of their structure.
    """

    user: Float[Array, " d"]
    vectors: Float[Array, "vectors d"]
    vector: Int[Array, " items"]
    scale: Float[Array, " items"]
    item_scale: Float[Array, " items"]
    weights: Weights = ()


class PairGradient(NamedTuple):
    """Derivative of the loss of some pairs of one client, regulariser left out.

    >>> fr.models.PairGradient._fields
    ('user', 'slope')

    By the embedding of pair p's positive item it is ``slope[p]`` times the user
    embedding, by that of its negative item ``-slope[p]`` times it.

    Attributes:
        slope: by the difference of the two items' scores.
    """

    user: Float[Array, " d"]
    slope: Float[Array, " pairs"]


InitEmbeddings = Callable[[Array, int, int], Array]
"""Draws initial embeddings, from a key, ``rows`` and d: float32 ``[rows, d]``."""

InitWeights = Callable[[Array, int], Weights]
"""Draws the shared weights, from a key and d, of which alone their shapes follow."""

Represent = Callable[[Weights, Array, Array, Array], Array]
"""Makes what items are scored against from the graph that one client holds.

Takes the shared weights, the client's embedding ``[d]``, the embeddings of its training
items and of their neighbours ``[nodes, d]``, and which of these exist, bool
``[nodes]``; returns the client's representation, float32 ``[r]``.
"""

Loss = Callable[[ClientView, Batch, Array], Array]
"""One client's loss, a scalar, from its view, its batch and the L2 coefficient."""

Gradient = Callable[[ClientView, Batch, Array], ClientGradient]
"""The derivative of one client's loss, from the same."""

PairGradients = Callable[[Array, Array, Array, Array], PairGradient]
"""The derivative of the loss of some pairs of one client, pair by pair.

The loss is a sum over pairs of a function of the margin ``u . (v_j - v_k)``, plus half
of lambda times the squares of the user's and all distinct items' embeddings. Takes the
client's embedding ``[d]``, the embeddings of the positive and of the negative items
``[pairs, d]``, and whether each pair counts, bool ``[pairs]``.
"""

Scores = Callable[[Weights, Array, Array], Array]
"""One client's scores ``[k]`` of some items, from the shared weights, the client's
representation ``[r]`` (its embedding where the model has no ``represent``) and the
items' embeddings ``[k, d]``."""


def no_weights(key: Array, embedding_dim: int) -> Weights:
    """``init_weights`` of a model without shared weights."""
    del key, embedding_dim
    return ()


@by_shapes
class Model(NamedTuple):
    """A recommender as pure functions of one client.

    >>> fr.models.fedmf(8).make().embedding_dim
    8

    Attributes:
        init_embeddings: initial user or item embeddings.
        loss: one client's loss.
        gradient: its derivative, in the form in which a client uploads it.
        scores: by which items are ranked for the client.
        init_weights: the shared weights, which every client uploads a gradient of.
        represent: what items are scored against, for a model that looks at the client's
            graph; None where it is the user embedding.
        pair_gradients: the derivative pair by pair where the loss allows it, which is
            several times as fast; None where each client must be taken as a whole. A
            model that has it has neither shared weights nor ``represent``.
        embedding_dim: embedding size d.
        neighbours_per_item: other users whose embeddings a client is sent for each of
            its training items, for ``represent``.
    """

    init_embeddings: InitEmbeddings
    loss: Loss
    gradient: Gradient
    scores: Scores
    init_weights: InitWeights = no_weights
    represent: Represent | None = None
    pair_gradients: PairGradients | None = None
    embedding_dim: int = 32
    neighbours_per_item: int = 0


def flatten(weights: Weights) -> Float[Array, " w"]:
    """All numbers behind one another."""
    return ravel_pytree(weights)[0]


def unflatten(model: Model, flat: Array, embedding_dim: int) -> Weights:
    """The weights that :func:`flatten` made ``flat`` (``[w]``) of."""
    leaves, structure = jax.tree.flatten(_shapes(model, embedding_dim))
    parts, begin = [], 0
    for leaf in leaves:
        parts.append(flat[begin : begin + leaf.size].reshape(leaf.shape))
        begin += leaf.size
    return jax.tree.unflatten(structure, parts)


def num_weights(model: Model, embedding_dim: int) -> int:
    """How many numbers w there are, 0 for a model without shared weights."""
    return sum(leaf.size for leaf in jax.tree.leaves(_shapes(model, embedding_dim)))


def _shapes(model: Model, embedding_dim: int) -> Weights:
    def init(key: Array) -> Weights:
        return model.init_weights(key, embedding_dim)

    return jax.eval_shape(init, jax.random.key(0, impl=KEY_KIND))
