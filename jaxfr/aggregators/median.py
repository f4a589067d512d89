"""The coordinate-wise median."""

import jax
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.aggregators.by_item import map_items
from jaxfr.aggregators.order_statistics import ARRAYS, weighted_median
from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.parts import part
from jaxfr.uploads import Uploads

SEARCHES = 1
"""Of a k-th smallest number."""


def median_of_item(rows: Array, weight: Array, join: Join = IN_ONE_PART) -> Array:
    """The median of each coordinate of one item's rows, ``[k, d]`` to ``[d]``."""

    def of_coordinate(values: Array) -> Array:
        return weighted_median(values, weight, join)

    return jax.vmap(of_coordinate, in_axes=1)(rows)


@part
def median() -> Rule:
    """Coordinate-wise median; for an even count the mean of the two middle values.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.median(), uploads)[0].rows
    Array([[2.]], dtype=float32)

    Source: Yin et al., "Byzantine-robust distributed learning: towards optimal
    statistical rates", ICML 2018.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        del view
        work = ARRAYS * uploads.item_embeddings.shape[1]
        return map_items(uploads, median_of_item, work, SEARCHES)

    return stateless_rule(combine, needs_groups=True)
