"""The mean, drawn towards no change where few rows say otherwise."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT
from jaxfr.uploads import Uploads, item_sums, row_counts


@part
def shrink(kappa: Annotated[Number, AMOUNT] = 5.0) -> Rule:
    """``sum of w r / (sum of w + kappa w1)`` for each item, 0 without a row.

    The w are the weights of its rows r, and w1 that of a row that one client sent and
    that is trusted in full. So ``kappa`` rows of zeros are added to each item.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.aggregators.shrink(1.0), uploads)[0].rows
    Array([[3.]], dtype=float32)

    Costs what the mean does.

    An item that few clients touch moves slowly, whoever they are: honest clients of
    rare items are heard less, too. Broken by one long row, as the mean is, so it goes
    behind a bound on the rows; by attackers that are more than kappa of an item's rows;
    and where clients cancel the honest sum, which no divisor brings back.

    Source: this project; as an estimator it is the credibility of Bühlmann, "Experience
    rating and credibility", ASTIN Bulletin, 1967.

    Args:
        kappa: as many rows of zeros are added to each item.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        del view
        count = row_counts(uploads)
        added = jnp.asarray(kappa, jnp.float32) * uploads.client_weight
        divisor = jnp.where(count > 0, count + added, 1.0)
        return item_sums(uploads) / divisor[:, None]

    return stateless_rule(combine, needs_rows=False)
