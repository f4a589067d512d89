"""A stage of one's own, with a memory: who sends too much for too long is left out.

jaxfr train --aggregator=experiments/examples/patience.py:patience+mean
"""

import jax.numpy as jnp

import jaxfr as fr


@fr.part
def patience(tolerance: fr.Number = 5.0) -> fr.Stage:
    """Trusts clients whose rows are together about as long as the median client's.

    Args:
        tolerance: how many times the median is still near.
    """

    def update(sent, uploads, view):
        lengths = fr.map_rows(fr.row_norm, uploads)
        sent = 0.9 * sent + fr.sum_by_client(uploads, lengths, view.num_clients)
        trust = sent <= tolerance * jnp.median(sent)
        return fr.trust_clients(uploads, trust.astype(jnp.float32)), sent

    return fr.Stage(lambda s: jnp.zeros(s.num_clients), update, sees_clients=True)
