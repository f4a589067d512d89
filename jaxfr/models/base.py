"""The interface of recommenders: what one client computes with its own data.

A model knows its parameters and one client's batch; nothing of servers, uploads of
others, aggregation or attacks.
"""

from typing import Annotated, Any, NamedTuple, Protocol

import jax
from jax import Array
from jax.flatten_util import ravel_pytree

from jaxfr.models.batch import Batch
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.sampling import KEY_KIND
from jaxfr.shapes import Bool, Float, Int

Weights = Any
"""A pytree of float32 arrays that all clients share, ``()`` for a model without any."""

EmbeddingDim = Annotated[int, COUNT_FROM_1]
"""The embedding size d, an option of every model."""


class Neighbours(NamedTuple):
    """Embeddings of other users who hold some of a client's items; nobody is named.

    Attributes:
        present: whether there is one.
    """

    embeddings: Float[Array, "neighbours d"]
    present: Bool[Array, " neighbours"]


class ClientView(NamedTuple):
    """What one client computes with: its own embedding, and what it was sent.

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

    By the embedding of pair p's positive item it is ``slope[p]`` times the user
    embedding, by that of its negative item ``-slope[p]`` times it.

    Attributes:
        slope: by the difference of the two items' scores.
    """

    user: Float[Array, " d"]
    slope: Float[Array, " pairs"]


class InitEmbeddings(Protocol):
    """Draws a table of initial embeddings."""

    def __call__(self, key: Array, rows: int, embedding_dim: int, /) -> Array:
        """Returns float32 ``[rows, embedding_dim]``."""
        ...


class InitWeights(Protocol):
    """Draws the initial shared weights."""

    def __call__(self, key: Array, embedding_dim: int, /) -> Weights:
        """Returns them; their shapes depend on ``embedding_dim`` only."""
        ...


class Represent(Protocol):
    """Makes what items are scored against from the graph that one client holds."""

    def __call__(
        self,
        weights: Weights,
        user: Float[Array, " d"],
        nodes: Float[Array, "nodes d"],
        present: Bool[Array, " nodes"],
        /,
    ) -> Float[Array, " r"]:
        """Returns the client's representation.

        Args:
            weights: shared weights.
            nodes: embeddings of its training items and of their neighbours.
            present: whether the node exists.
        """
        ...


class Loss(Protocol):
    """One client's loss."""

    def __call__(
        self, view: ClientView, batch: Batch, regularization: Array, /
    ) -> Float[Array, ""]:
        """Evaluates the loss."""
        ...


class Gradient(Protocol):
    """Derivative of one client's loss."""

    def __call__(
        self, view: ClientView, batch: Batch, regularization: Array, /
    ) -> ClientGradient:
        """Differentiates the loss; arguments as there."""
        ...


class PairGradients(Protocol):
    """Derivative pair by pair.

    The loss is a sum over pairs of a function of the margin ``u . (v_j - v_k)``, plus
    half of lambda times the squares of the user's and all distinct items' embeddings.
    """

    def __call__(
        self,
        user: Float[Array, " d"],
        positives: Float[Array, "pairs d"],
        negatives: Float[Array, "pairs d"],
        present: Bool[Array, " pairs"],
        /,
    ) -> PairGradient:
        """Differentiates the loss of some pairs of one client.

        Args:
            positives: embeddings of the positive items.
            present: whether the pair counts.
        """
        ...


class Scores(Protocol):
    """One client's scores of some items."""

    def __call__(
        self,
        weights: Weights,
        representation: Float[Array, " r"],
        items: Float[Array, "k d"],
        /,
    ) -> Float[Array, " k"]:
        """Scores items for a client.

        Args:
            weights: shared weights.
            representation: of the client; its embedding where the model has no
                ``represent``.
        """
        ...


def no_weights(key: Array, embedding_dim: int) -> Weights:
    """``init_weights`` of a model without shared weights."""
    del key, embedding_dim
    return ()


class Model(NamedTuple):
    """A recommender as pure functions of one client.

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
