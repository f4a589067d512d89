"""As much influence for a client as the median client's number of rows has."""

from typing import Annotated

import jax.numpy as jnp

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.stages.population import median_row_count
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import rows_by_client, trust_clients


@part
def budget(factor: Annotated[Number, POSITIVE] = 1.0) -> Stage:
    """Trusts clients so that the rows of none count more than q together.

    The trust in client i, which sent ``R_i`` rows, is ``min(1, q / R_i)`` with
    ``q = factor x median over clients of R_i``. The median is over all clients that
    sent a row, malicious ones included.

    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])  # 1 item, 2 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.budget(), fr.mean())
    >>> fr.aggregate(rule, uploads, num_clients=2)[0].client_trust
    Array([1., 1.], dtype=float32)

    Sparse aggregation gives a client influence for each item that it touches: one that
    sends a row for every item, as Spattack does, weighs in everywhere, and one that
    keeps to the budget chooses where. Goes with a bound on the rows themselves, such as
    ``clip_adaptive``.

    Costs a count of rows. Honest clients with many interactions count less, too.

    Broken by clients that send q rows each, for items chosen well; by clients under
    many names; and, where they are many, by those that send rows for all items and so
    lift the median. Says nothing of a table with one row, such as shared weights.

    Source: this project.

    Args:
        factor: how many times the median number of rows a client's rows may count.
    """

    def spend(uploads: Uploads, view: ServerView) -> Uploads:
        sent = rows_by_client(uploads, view.num_clients)
        allowed = jnp.asarray(factor, jnp.float32) * median_row_count(sent)
        trust = jnp.minimum(1.0, allowed / jnp.maximum(sent, 1))
        # Who sent nothing is no reason for distrust, even where nobody sent anything.
        return trust_clients(uploads, jnp.where(sent > 0, trust, 1.0))

    return stateless_stage(spend, sees_clients=True)
