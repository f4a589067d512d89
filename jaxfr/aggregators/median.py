"""The coordinate-wise median."""

import jax
from jax import Array

from jaxfr.aggregators.base import Aggregator, keep_rows
from jaxfr.aggregators.blocks import map_items
from jaxfr.aggregators.order_statistics import weighted_median
from jaxfr.uploads import Uploads


def median_of_item(rows: Array, weight: Array) -> Array:
    """The median of each coordinate of one item's rows, ``[k, d]`` to ``[d]``."""
    return jax.vmap(weighted_median, in_axes=(1, None))(rows, weight)


def median() -> Aggregator:
    """Coordinate-wise median; for an even count the mean of the two middle values.

    Source: Yin et al., "Byzantine-robust distributed learning: towards optimal
    statistical rates", ICML 2018.
    """

    def combine(uploads: Uploads, expected_byzantine: Array) -> Array:
        del expected_byzantine
        return map_items(uploads, median_of_item, uploads.item_embeddings.shape[1])

    return Aggregator(keep_rows, combine, needs_groups=True)
