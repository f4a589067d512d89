"""The arithmetic mean, the vanilla rule without any defense."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.parts import part
from jaxfr.uploads import Uploads, item_sums, row_counts


@part
def mean() -> Rule:
    """``sum of the rows / count`` for each item, 0 without a row."""

    def combine(uploads: Uploads, view: ServerView) -> Array:
        del view
        count = row_counts(uploads)
        return item_sums(uploads) / jnp.maximum(count, 1)[:, None]

    return stateless_rule(combine)
