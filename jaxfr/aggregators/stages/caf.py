"""The covariance-bound agnostic filter: less trust along the direction of variance."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.stages.population import share_of
from jaxfr.aggregators.stages.sketches import (
    about_their_mean,
    client_sketches,
    shortened,
    top_direction,
)
from jaxfr.parts import part
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import rows_by_client, trust_clients

# Of the share of trust that is kept, for rounding: the farthest client keeps none.
TOLERANCE = 1e-6


@part
def caf(columns: Annotated[int, COUNT_FROM_1] = 8) -> Stage:
    """Trusts clients less and less along the directions in which they vary most.

    With ``x_i`` all that client i sent, zeros for what it did not, and trusts ``c_i``
    that are 1 at first: while the trusts of the n clients sum to more than
    ``n - 2 n~``, ``n~`` being the declared number of Byzantine clients,

        ``mu = sum c_i x_i / sum c_i``,
        ``v, lambda =`` top eigenvector and eigenvalue of
        ``sum c_i (x_i - mu)(x_i - mu)' / sum c_i``,
        ``tau_i = <x_i - mu, v>^2``, ``c_i <- c_i (1 - tau_i / max tau)``,

    the maximum being over clients with some trust left. Of all c, the last one among
    them, the one with the least lambda is the trust. Clients are all that sent a row,
    malicious ones included.

    >>> rows = [[[1.0], [1.0], [1.0], [-50.0]]]  # 1 item, 4 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.caf(), fr.mean())
    >>> found, _ = fr.aggregate(rule, fr.uploads_of(rows), 1, num_clients=4)
    >>> found.client_trust.round(2)
    Array([0.89, 0.89, 0.89, 0.  ], dtype=float32)

    Costs a look at each row, to sketch what clients sent in ``columns`` times d
    numbers, and for each c 34 products of these with a vector. Each takes all trust
    from a client, so there are 2 n~ + 1 at most, and far fewer as a rule.

    Broken by whoever does not vary much: honest clients with many interactions send
    long uploads, and lose trust as soon as attackers keep to their length, or send few
    rows. Where attackers are more than n~ and alike, the mean is drawn to them. It
    takes a trust of 2 n~ clients from somebody in each round, attack or not.

    Source: Allouah et al., "Towards trustworthy federated learning with untrusted
    participants", ICML 2025. In the authors' library ByzFL the maximum is over all
    clients, those without any trust left among them, so that trust may hardly change;
    lambda of the last c is not asked for, so that nothing is filtered where one step is
    enough; one step of the power iteration is taken for v, here 16; and vectors are not
    sketched.

    Args:
        columns: of the sketches, each of d numbers.
    """

    def filter_clients(uploads: Uploads, view: ServerView) -> Uploads:
        sent = rows_by_client(uploads, view.num_clients) > 0
        sketches = client_sketches(uploads, columns, view.num_clients)
        least = jnp.sum(sent) - 2 * view.expected_byzantine
        trust = filtered_trust(shortened(sketches), sent, least.astype(jnp.float32))
        return trust_clients(uploads, jnp.where(sent, trust, 1.0))

    return stateless_stage(filter_clients, sees_clients=True, expects_byzantine=True)


class Filtering(NamedTuple):
    """Between two passes.

    Attributes:
        trust: in each client, to be looked at.
        more: whether it is.
        best: of the trusts that were looked at, those with the least variance.
        variance: along the direction in which it is largest, under the best trusts.
    """

    trust: Float[Array, " clients"]
    more: Bool[Array, ""]
    best: Float[Array, " clients"]
    variance: Float[Array, ""]


def filtered_trust(
    vectors: Float[Array, "clients k"],
    there: Bool[Array, " clients"],
    enough: Float[Array, ""],
) -> Float[Array, " clients"]:
    """The trusts; 0 for who is not there.

    Args:
        vectors: of clients.
        there: which of them are compared.
        enough: the sum of trusts that may be left.
    """

    def one_pass(now: Filtering) -> Filtering:
        trust = now.trust
        centred = about_their_mean(vectors, trust)
        tau = (centred @ top_direction(centred, trust)) ** 2
        variance = share_of(jnp.sum(trust * tau), jnp.sum(trust))
        better = variance < now.variance
        largest = jnp.max(jnp.where(trust > 0, tau, 0.0))
        kept = 1.0 - share_of(tau, largest)
        return Filtering(
            jnp.where(kept > TOLERANCE, trust * kept, 0.0),
            (largest > 0) & (jnp.sum(trust) > enough),
            jnp.where(better, trust, now.best),
            jnp.where(better, variance, now.variance),
        )

    all_trusted = there.astype(jnp.float32)
    start = Filtering(all_trusted, jnp.bool_(True), all_trusted, jnp.float32(jnp.inf))
    return jax.lax.while_loop(lambda now: now.more, one_pass, start).best
