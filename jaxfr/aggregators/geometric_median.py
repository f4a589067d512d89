"""The geometric median, by a few steps towards it."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.averages import distance, scaled_mean
from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE, Range
from jaxfr.uploads import Uploads


@part
def geometric_median(
    smoothing: Annotated[Number, POSITIVE] = 0.1,
    steps: Annotated[int, Range(0, 1000, whole=True)] = 3,
) -> Rule:
    """The point whose distances to the rows have the least sum, by Weiszfeld's steps.

    From the mean of an item's rows r, weights w, each step goes to

        ``v <- sum of b r / sum of b`` with ``b = w / max(nu, |r - v|)``.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> found, _ = fr.aggregate(fr.aggregators.geometric_median(), uploads)
    >>> round(found.rows.item(), 2)  # after many steps 2
    2.11

    Costs a pass over all rows for the start and for each step.

    Broken by as many malicious rows as honest ones, and for most items that takes few
    clients. By fewer where ``nu`` is longer than the rows, or the steps are few: it is
    then still near the mean.

    Source: Pillutla et al., "Robust aggregation for federated learning", IEEE
    Transactions on Signal Processing, 2022 (RFA).

    Args:
        smoothing: nu, below which distances do not count as smaller.
        steps: how many are taken; 0 leaves the mean.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        del view
        nu = jnp.asarray(smoothing, jnp.float32)

        def nearness(rows: Array, centres: Array) -> Array:
            # In units of 1 / nu, so that it is at most 1.
            return nu / jnp.maximum(nu, distance(rows, centres))

        centre = jnp.zeros_like(uploads.item_embeddings)
        centre = scaled_mean(uploads, lambda rows, _: jnp.ones(rows.shape[:-1]), centre)
        centre = centre.rows
        for _ in range(steps):
            found = scaled_mean(uploads, nearness, centre)
            near = found.factors[:, None] > 0
            total = jnp.where(near, found.factors[:, None], 1.0)
            centre = jnp.where(near, found.rows / total, centre)
        return centre

    return stateless_rule(combine)
