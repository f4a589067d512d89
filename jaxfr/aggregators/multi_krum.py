"""Multi-Krum: the mean of the rows that lie closest to most others."""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.aggregators.by_item import map_items
from jaxfr.aggregators.krum import num_neighbours
from jaxfr.aggregators.krum_choice import all_scores
from jaxfr.aggregators.order_statistics import computed_once, count_where, kth_smallest
from jaxfr.aggregators.trimmed_mean import floor_of_share
from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.parts import Number, part
from jaxfr.ranges import Range
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import weight_of_clients


@part
def multi_krum(share: Annotated[Number, Range(0, 1)] | None = None) -> Rule:
    """The mean of an item's rows with the smallest Krum scores.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [4.0], [9.0]]])  # 1 item, 4 clients
    >>> rule = fr.aggregators.multi_krum(0.5)
    >>> fr.aggregate(rule, uploads, expected_byzantine=1)[0].rows
    Array([[1.5]], dtype=float32)

    A row's score is the sum of squared distances to its nearest others, as ``krum`` has
    it. At least one row is taken. Of rows that tie at the end of the best, each counts
    by its weight, so that no order decides; Krum takes the first.

    Costs the distances between all rows of an item, the square of their number, and a
    search among those of each row: of the rules the most.

    Broken, as Krum, by as many malicious rows as the formula counts honest neighbours,
    which for most items are few clients, all the more if they send one row: it has
    neighbours at distance 0. The more rows are taken, the less noise, and the sooner
    malicious ones are among them.

    Source: Blanchard et al., "Machine learning with adversaries", NeurIPS 2017.

    Args:
        share: how many of an item's rows are taken, rounded down; none: all but n~, the
            declared number of Byzantine clients.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        expected = weight_of_clients(uploads, view.expected_byzantine)
        unit = uploads.client_weight

        def one_item(rows: Array, weight: Array, join: Join) -> Array:
            assert join is IN_ONE_PART
            count = jnp.sum(weight)
            taken = count - expected
            if share is not None:
                taken = floor_of_share(count // unit, jnp.asarray(share)) * unit
            taken = jnp.clip(taken, jnp.minimum(unit, count), count)
            nearest = unit + num_neighbours(count, expected, unit)
            return mean_of_best(rows, weight, nearest, taken)

        dim = uploads.item_embeddings.shape[1]
        return map_items(uploads, one_item, lambda num_rows: max(num_rows, dim))

    return stateless_rule(combine, needs_groups=True, expects_byzantine=True)


def mean_of_best(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    nearest: Int[Array, ""],
    taken: Int[Array, ""],
) -> Array:
    """The mean of the best rows by Krum's score, ``[k, d]`` to ``[d]``; 0 for no row.

    Its derivative is that of the chosen rows: which they are, is a constant.

    Args:
        rows: of one item.
        weight: theirs.
        nearest: weight of the distances that a score sums, that to itself among them.
        taken: weight of the rows that are averaged.
    """
    rows = computed_once(rows, weight)
    compared = jax.lax.stop_gradient(rows)
    scores = computed_once(all_scores(compared, weight, nearest, "squared"), weight)
    last = kth_smallest(scores, weight, taken)
    before, tied = scores < last, scores == last
    rest = taken - count_where(before, weight)
    of_tied = rest / jnp.maximum(count_where(tied, weight), 1)
    counted = weight * jnp.where(before, 1.0, jnp.where(tied, of_tied, 0.0))
    # Shares, not sums, which may overflow.
    shares = counted / jnp.maximum(taken, 1)
    return jnp.sum(shares[:, None] * rows, axis=0)
