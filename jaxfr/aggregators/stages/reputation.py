"""Trust in clients whose rows point where the last aggregate pointed."""

from typing import Annotated, NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerKnowledge, ServerView, Stage
from jaxfr.aggregators.stages.population import (
    median_of_clients,
    share_of,
    sums_by_client,
)
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import COUNT, POSITIVE, Range
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import rows_by_client, trust_clients
from jaxfr.uploads.norms import row_norm


class Standing(NamedTuple):
    """How each client's rows agreed so far.

    Attributes:
        sum: of its agreements, each weighted less by every later one.
        weight: of the agreements in it.
    """

    sum: Float[Array, " clients"]
    weight: Float[Array, " clients"]


@part
def reputation(
    memory: Annotated[Number, Range(0, 1, below_high=True)] = 0.9,
    share: Annotated[Number, POSITIVE] = 0.5,
    start_round: Annotated[Whole, COUNT] = 3,
) -> Stage:
    """Trusts clients by how their rows agreed with the aggregates of the past.

    With ``A'`` the aggregate of the round before, client i agrees by

        ``a_i = sum_j <r_ij, A'_j> / sum_j |r_ij| |A'_j|``,

    and has the reputation ``rho <- memory rho + (1 - memory) a_i``, divided by what the
    weights in it sum up to, so that it does not matter since when or how often a client
    took part. From ``start_round`` on the trust in it is
    ``clip(rho / (share x median rho), 0, 1)``. The median is over all clients that sent
    a row, malicious ones included; where it is not positive, aggregates have pointed
    nowhere, and all are trusted.

    >>> uploads = fr.uploads_of([[[1.0], [3.0]]])  # 1 item, 2 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.reputation(), fr.mean())
    >>> fr.aggregate(rule, uploads, num_clients=2)[0].client_trust  # of round 0
    Array([1., 1.], dtype=float32)

    Costs a look at each row.

    Broken by whoever owns the aggregate: where malicious rows outweigh honest ones from
    the start, agreement is with them, so bound them first (``clip_adaptive``,
    ``budget``). By clients that are honest on well-populated items and hostile on few
    others; by those that are honest first. Where training has converged, the aggregates
    are small and honest rows agree little, and promotion of items that only attackers
    touch agrees with itself: it then helps attackers.

    Source: this project. To trust an update by its cosine to a direction that the
    server trusts is the idea of FLTrust (Cao et al., NDSS 2021), whose server has data
    of its own for it.

    Args:
        memory: how much of the reputation stays in a round, below 1.
        share: reputation, as a share of the median, that is trusted in full.
        start_round: first round in which reputation decides.
    """

    def init(knowledge: ServerKnowledge) -> Standing:
        nothing = jnp.zeros(knowledge.num_clients)
        return Standing(nothing, nothing)

    def update(
        before: Standing, uploads: Uploads, view: ServerView
    ) -> tuple[Uploads, Standing]:
        sent = rows_by_client(uploads, view.num_clients)
        agreed, possible = agreement(uploads, view)
        fresh = possible > 0  # who sent nothing keeps its reputation
        keeps = jnp.where(fresh, jnp.asarray(memory, jnp.float32), 1.0)
        after = Standing(
            keeps * before.sum + (1.0 - keeps) * share_of(agreed, possible),
            keeps * before.weight + (1.0 - keeps),
        )
        rho = share_of(after.sum, after.weight)
        usual = jnp.asarray(share) * median_of_clients(rho, sent > 0)
        decides = (view.round >= jnp.asarray(start_round)) & (usual > 0)
        decided = jnp.clip(rho / jnp.where(usual > 0, usual, 1.0), 0.0, 1.0)
        known = decides & (sent > 0) & (after.weight > 0)
        return trust_clients(uploads, jnp.where(known, decided, 1.0)), after

    return Stage(init, update, sees_clients=True)


def agreement(
    uploads: Uploads, view: ServerView
) -> tuple[Float[Array, " clients"], Float[Array, " clients"]]:
    """Of each client ``sum_j <r_ij, A'_j>``, and ``sum_j |r_ij| |A'_j|``."""
    last = view.last_aggregate

    def of_row(rows: Array, last: Array, length: Array) -> list[Array]:
        return [jnp.sum(rows * last, axis=-1), row_norm(rows) * length]

    agreed, possible = sums_by_client(
        of_row, uploads, view.num_clients, last, row_norm(last)
    )
    return agreed, possible
