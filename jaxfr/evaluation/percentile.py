"""Mean percentile of the test item: how far down it is, wherever that is."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.evaluation.metric import Metric, mean_over_users
from jaxfr.evaluation.ranking import NO_RANK


@functools.cache  # so that the same metric is the same part of a program
def percentile() -> Metric:
    """Mean over users of rank / c of the test item among c others, ``percentile``.

    So 0 is the top of every list, 1 the bottom, and 1/2 a random order; less is better.
    Unlike a hit ratio it tells how far an item is from a short list. An item without a
    finite score has 1; one that nothing is ranked beside has 0.
    """

    def value(rank: Array, num_others: Array) -> Array:
        share = rank.astype(jnp.float32) / jnp.maximum(num_others, 1)
        return jnp.where(rank == NO_RANK, 1.0, share)

    def chance(num_others: np.ndarray) -> np.ndarray:
        return np.where(num_others > 0, 0.5, 0.0)

    return mean_over_users("percentile", value, higher_is_better=False, chance=chance)
