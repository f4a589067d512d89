"""Shared weights as one row of numbers, which is how they are uploaded."""

import jax
from jax import Array
from jax.flatten_util import ravel_pytree

from jaxfr.models.base import Model, Weights
from jaxfr.sampling import KEY_KIND


def flatten(weights: Weights) -> Array:
    """All numbers behind one another, float32 ``[w]``."""
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
