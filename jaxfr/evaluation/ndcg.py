"""nDCG: hits count for less the further down the list they are."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.evaluation.metric import Metric


@functools.cache  # so that the same metric is the same part of a program
def ndcg(cutoff: int) -> Metric:
    """Mean normalised discounted cumulative gain at K, ``ndcg@K``.

    The ideal gain of a single relevant item is 1, so that a user's nDCG is ``1 /
    log2(rank + 2)`` where the rank of its test item, from 0, is below K, else 0.
    Counted are the users at each rank below K. By chance, among c other items, it is
    the sum of the gains of the first min(K, c + 1) ranks over c + 1.

    Args:
        cutoff: length K of the list.
    """
    gains = 1 / np.log2(np.arange(cutoff) + 2)

    def count_user(rank: Array, num_others: Array) -> Array:
        del num_others
        return (rank == jnp.arange(cutoff, dtype=jnp.int32)).astype(jnp.int32)

    def average(sums: Any, num_users: Any) -> Any:
        # Added rank by rank: NumPy adds a long sum in another order than a short one.
        return (sums * gains).cumsum(-1)[..., -1] / num_users

    def chance(num_others: np.ndarray) -> np.ndarray:
        num_ranked = num_others + 1
        last = np.minimum(num_ranked, cutoff).astype(int) - 1
        return np.cumsum(gains)[last] / num_ranked

    return Metric(f"ndcg@{cutoff}", True, count_user, average, chance)
