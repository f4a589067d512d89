"""A metric of one's own: one over the place of the test item.

jaxfr train \
    --metrics=hr@10,experiments/examples/reciprocal_rank.py:reciprocal_rank
"""

import jax.numpy as jnp

import jaxfr as fr


@fr.part
def reciprocal_rank() -> fr.Metric:
    """The mean of 1 / (1 + rank); 0 for an item without a finite score."""

    def value(rank, num_others):
        return jnp.where(rank <= num_others, 1 / (1.0 + rank), 0.0)

    return fr.mean_over_users("reciprocal_rank", value, higher_is_better=True)
