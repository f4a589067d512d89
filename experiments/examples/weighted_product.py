"""A model of one's own: a product whose coordinates the clients weigh together.

jaxfr train --model=experiments/examples/weighted_product.py:gmf:16
"""

import jax
import jax.numpy as jnp

import jaxfr as fr


@fr.part
def gmf(embedding_dim: int = 32) -> fr.Model:
    """Scores ``sum_i w_i u_i v_i`` (generalised matrix factorisation, He et al. 2017).

    Args:
        embedding_dim: embedding size d.
    """
    return fr.bpr_model(
        lambda key, rows, dim: 0.1 * jax.random.normal(key, (rows, dim)),
        lambda key, dim: jnp.ones(dim),
        lambda weights, user, items: items @ (weights * user),
        embedding_dim=embedding_dim,
    )
