"""Norm clipping at a norm that the population decides."""

import jax.numpy as jnp

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.norm import clip_rows
from jaxfr.aggregators.stages.population import median_norm
from jaxfr.parts import part
from jaxfr.uploads import Uploads
from jaxfr.uploads.norms import row_norms

SMALLEST_NORM = float(jnp.finfo(jnp.float32).tiny)


@part
def clip_adaptive() -> Stage:
    """Scales each row to a norm of at most tau, that of the median client's rows.

    ``tau = median over clients of the mean norm of a client's rows``, in each round
    anew, and a row v becomes ``v min(1, tau / |v|)``. The median is over all clients
    that sent a row, malicious ones included.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.clip_adaptive(), fr.mean())
    >>> fr.aggregate(rule, uploads, num_clients=3)[0].rows
    Array([[1.6666666]], dtype=float32)

    Costs one look at each row, to find its norm, and one more factor for it.

    Broken by many short rows: a clipped client still counts as much as any other for
    each item that it chooses, which ``budget`` bounds by the number of items. Clients
    that are more than half move tau as they like; fewer move it within the norms of
    honest clients, towards 0 by sending rows of zeros, which slows training. Where rows
    of different items differ in length, popular and rare ones say, honest long rows are
    shortened.

    Source: clipping at a quantile of the clients' norms is that of Andrew et al.,
    "Differentially private learning with adaptive clipping", NeurIPS 2021, who follow
    the quantile from round to round and take whole uploads.
    """

    def clip(uploads: Uploads, view: ServerView) -> Uploads:
        norms = row_norms(uploads)
        tau = median_norm(uploads, norms, view.num_clients)
        return clip_rows(uploads, norms, jnp.maximum(tau, SMALLEST_NORM))

    return stateless_stage(clip, sees_clients=True)
