"""The arithmetic mean, the vanilla rule without any defense."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.parts import part
from jaxfr.uploads import Uploads, item_sums, row_counts


@part
def mean() -> Rule:
    """``sum of the rows / count`` for each item, 0 without a row.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.mean(), uploads)[0].rows
    Array([[4.]], dtype=float32)
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        del view
        count = row_counts(uploads)
        return item_sums(uploads) / jnp.maximum(count, 1)[:, None]

    return stateless_rule(combine, needs_rows=False)
