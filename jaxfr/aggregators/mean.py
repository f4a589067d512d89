"""The arithmetic mean, the vanilla rule without any defense."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Aggregator, keep_rows
from jaxfr.uploads import Uploads, item_sums, row_counts


def mean() -> Aggregator:
    """``sum of the rows / count`` for each item, 0 without a row."""

    def combine(uploads: Uploads, expected_byzantine: Array) -> Array:
        del expected_byzantine
        count = row_counts(uploads)
        return item_sums(uploads) / jnp.maximum(count, 1)[:, None]

    return Aggregator(keep_rows, combine, needs_groups=False)
