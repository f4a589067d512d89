"""The dense form of a rule: clients that did not upload count as zero rows."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerState, ServerView
from jaxfr.uploads import Uploads, append_tables, item_table, row_counts
from jaxfr.uploads.trust import weight_of_clients


def add_absent_clients(uploads: Uploads) -> Uploads:
    """Adds to each item a zero row for every participant that sent it nothing.

    They are one row, weighted with their number.
    """
    everybody = weight_of_clients(uploads, uploads.participants)
    absent = jnp.maximum(everybody - row_counts(uploads), 0)
    num_items, dim = uploads.item_embeddings.shape
    zeros = jnp.zeros((num_items, 1, dim), uploads.vectors.dtype)
    table = item_table(
        zeros, absent[:, None], uploads.item_embeddings, jnp.zeros((), jnp.int32)
    )
    return append_tables(uploads, table)


def dense(rule: Rule) -> Rule:
    """General federated learning's form of ``rule``, as in the paper's Figure 1(a)."""

    def update(
        state: ServerState, uploads: Uploads, view: ServerView
    ) -> tuple[Array, ServerState]:
        return rule.update(state, add_absent_clients(uploads), view)

    return rule._replace(update=update)
