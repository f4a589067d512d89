"""SignGuard: clients whose uploads have a usual norm and usual shares of signs."""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.order_statistics import kth_smallest
from jaxfr.aggregators.stages.population import median_of_clients, sums_by_client
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE, Range
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import trust_clients
from jaxfr.uploads.norms import row_norm

# Mean shift starts from so many clients, and has come to rest after so many steps.
MOST_STARTS, STEPS = 256, 30
# Of distances between shares of signs, for rounding.
TOLERANCE = 1e-6


@part
def sign_guard(
    lower: Annotated[Number, Range(0, 1)] = 0.1,
    upper: Annotated[Number, POSITIVE] = 3.0,
) -> Stage:
    """Leaves out clients with an unusual norm, or unusual shares of signs.

    A client is trusted if the norm of all that it sent lies between ``lower`` and
    ``upper`` times the median over clients, and its point in the largest cluster: of
    the numbers that it uploaded, the shares that are positive, zero and negative, each
    divided by the largest client's. Clusters are found by mean shift with a flat kernel
    whose bandwidth h is the distance from a client to the nearest half of clients,
    averaged over clients; the largest is all within h of the place where most are.
    Medians and clusters are over all clients that sent a row, malicious ones included.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [2.0], [-50.0]]])  # 4 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.sign_guard(), fr.mean())
    >>> fr.aggregate(rule, uploads, num_clients=4)[0].client_trust
    Array([1., 1., 1., 0.], dtype=float32)

    Costs a look at each row, and distances between 256 clients and all.

    Broken by uploads with the shares of signs and the norm of honest ones, which say
    nothing of their direction, nor of which items they are for; under sparse
    aggregation few such rows outvote those of honest clients on most items. Many honest
    clients, all that are not among the most usual, are left out in each round.

    Source: Xu et al., "Byzantine-robust federated learning through collaborative
    malicious gradient filtering", ICDCS 2022, and its released code for the bandwidth.
    There signs are of a tenth of the coordinates, here of all that a client uploaded;
    mean shift starts from a grid, here from 256 clients at most; and what is left is
    clipped to the median norm, for which here other stages are.

    Args:
        lower: least norm, as a share of the median.
        upper: largest norm, in medians.
    """

    def guard(uploads: Uploads, view: ServerView) -> Uploads:
        count, norms = of_clients(uploads, view.num_clients)
        numbers = jnp.sum(count, axis=1)
        there = numbers > 0
        median = median_of_clients(norms, there)
        usual = norms >= jnp.asarray(lower) * median
        usual &= norms <= jnp.asarray(upper) * median
        shares = count / jnp.maximum(numbers, 1.0)[:, None]
        largest = jnp.max(shares, axis=0)
        points = shares / jnp.where(largest > 0.0, largest, 1.0)
        trusted = ~there | (usual & largest_cluster(points, there))
        return trust_clients(uploads, trusted.astype(jnp.float32))

    return stateless_stage(guard, sees_clients=True)


def of_clients(
    uploads: Uploads, num_clients: int
) -> tuple[Float[Array, "clients 3"], Float[Array, " clients"]]:
    """How many positive, zero and negative numbers each sent, and their norm."""

    def of_row(rows: Array) -> list[Array]:
        signs = jnp.sign(rows)
        counts = [jnp.sum(signs == sign, -1, jnp.float32) for sign in (1.0, 0.0, -1.0)]
        return [*counts, row_norm(rows) ** 2]

    *counts, squares = sums_by_client(of_row, uploads, num_clients)
    return jnp.stack(counts, axis=1), jnp.sqrt(squares)


def largest_cluster(
    points: Float[Array, "clients 3"], there: Bool[Array, " clients"]
) -> Bool[Array, " clients"]:
    """Whether each client is within a bandwidth of the place where most are."""
    number = there.size
    starts = min(number, MOST_STARTS)
    chosen = jnp.arange(starts) * number // starts
    counts = there[chosen]
    clients = jnp.sum(there, dtype=jnp.int32)

    def distances(place: Array) -> Array:
        return jnp.sqrt(jnp.sum((points - place) ** 2, axis=-1))

    def to_nearest_half(place: Array) -> Array:
        half = jnp.maximum(clients // 2, 1)
        return kth_smallest(distances(place), there.astype(jnp.int32), half)

    reach = jnp.where(counts, jax.vmap(to_nearest_half)(points[chosen]), 0.0)
    bandwidth = jnp.sum(reach) / jnp.maximum(jnp.sum(counts), 1) + TOLERANCE

    def within(place: Array) -> Array:
        return there & (distances(place) <= bandwidth)

    def shift(place: Array) -> Array:
        near = within(place)
        total = jnp.sum(jnp.where(near[:, None], points, 0.0), axis=0)
        return total / jnp.maximum(jnp.sum(near), 1)

    places = jax.lax.fori_loop(
        0, STEPS, lambda _, places: jax.vmap(shift)(places), points[chosen]
    )
    size = jnp.where(counts, jnp.sum(jax.vmap(within)(places), axis=1), -1)
    # Of several places with as many, the one with the most positive numbers.
    best = jnp.argmax(jnp.where(size == jnp.max(size), places[:, 0], -1.0))
    return within(places[best])
