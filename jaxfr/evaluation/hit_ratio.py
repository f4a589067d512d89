"""Hit ratio: the share of users whose test item is on their list."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.evaluation.metric import Metric


@functools.cache  # so that the same metric is the same part of a program
def hit_ratio(cutoff: int) -> Metric:
    """Share of users whose test item is among the first K, ``hr@K``.

    With one test item for each user, a user's hit is 1 where its rank, from 0, is below
    K, else 0. By chance, among c other items, it is min(1, K / (c + 1)).

    Args:
        cutoff: length K of the list.
    """

    def count_user(rank: Array, num_others: Array) -> Array:
        del num_others
        return (rank < cutoff).astype(jnp.int32)[None]

    def average(sums: Any, num_users: Any) -> Any:
        return sums[..., 0] / num_users

    def chance(num_others: np.ndarray) -> np.ndarray:
        return np.minimum(cutoff / (num_others + 1), 1)

    return Metric(f"hr@{cutoff}", True, count_user, average, chance)
