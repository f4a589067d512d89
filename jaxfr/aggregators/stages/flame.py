"""FLAME: the clients of the majority's cluster, clipped to the median norm."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerKnowledge, ServerView, Stage
from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.aggregators.stages.population import median_of_clients, sums_by_client
from jaxfr.aggregators.stages.sketches import client_sketches, unit_vectors
from jaxfr.parts import Whole, part
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.shapes import Bool, Float, Int
from jaxfr.side_by_side import where_needed
from jaxfr.uploads import ItemTable, Uploads
from jaxfr.uploads.clients import (
    client_of_bundles,
    client_of_slots,
    each_client_one_slot,
    rows_by_client,
    scale_rows,
    trust_clients,
)
from jaxfr.uploads.norms import row_norm

SMALLEST_NORM = float(jnp.finfo(jnp.float32).tiny)
# More than any distance between directions.
FAR = 4.0


@part
def flame(
    every: Annotated[Whole, COUNT_FROM_1] = 1,
    columns: Annotated[int, COUNT_FROM_1] = 8,
) -> Stage:
    """Keeps the clients of the majority's cluster, and clips them to the median norm.

    Clients i and j are as far from each other as 1 minus the cosine of all that they
    sent. Those nearer than t are linked, and the cluster is the one with at least
    ``n / 2 + 1`` of the n clients at the smallest t at which there is one; who is
    outside is trusted 0. Then all rows of client i are multiplied by
    ``min(1, S / e_i)``, ``e_i`` being the norm of all that it sent, and S the median of
    the n norms. Clients are all that sent a row, malicious ones included.

    >>> rows = [[[1.0, 0.0], [2.0, 0.1], [3.0, 0.2], [-3.0, 9.0]]]  # 1 item, d = 2
    >>> rule = fr.chain(fr.aggregators.flame(), fr.mean())
    >>> fr.aggregate(rule, fr.uploads_of(rows), num_clients=4)[0].client_trust
    Array([1., 1., 1., 0.], dtype=float32)

    Costs two looks at each row, and one after the other, for each of n clients, a
    product of the sketches of all (``columns`` times d numbers each) with its own: no
    matrix of all pairs is kept, and it takes 14 times as long as adding up all rows at
    943 clients, 29 times at 6,040. ``every`` spares the rounds between, in which a
    client is trusted as it was. Where colluders send rows for items of their own, a row
    for each of them and each item.

    Broken by attackers among honest directions: each near one honest client is in the
    cluster, wherever the others are, as links make chains. Honest clients whose items
    few others share are far from all, and left out, some half of them in each round,
    attack or not; that costs rare items most.

    Source: Nguyen et al., "FLAME: taming backdoors in federated learning", USENIX
    Security 2022. There HDBSCAN finds the cluster, among whole models; of its clusters
    of at least ``n / 2 + 1`` members this is the last to fall apart. Nothing is
    sketched there, and the aggregate gets Gaussian noise, which hurts rare items, and
    which no stage can add.

    Args:
        every: clusters are found in each such round only, and in round 0.
        columns: of the sketches, each of d numbers.
    """

    def init(knowledge: ServerKnowledge) -> Array:
        return jnp.ones(knowledge.num_clients)

    def update(
        before: Array, uploads: Uploads, view: ServerView
    ) -> tuple[Uploads, Array]:
        sent = rows_by_client(uploads, view.num_clients) > 0

        def find_cluster() -> Array:
            sketches = client_sketches(uploads, columns, view.num_clients)
            inside = majority_cluster(unit_vectors(sketches), sent)
            return (inside | ~sent).astype(jnp.float32)

        due = view.round % jnp.asarray(every) == 0
        trust = where_needed(due, find_cluster, lambda: before)
        return trust_clients(clip_clients(uploads, view, sent), trust), trust

    return Stage(init, update, sees_clients=True)


def clip_clients(
    uploads: Uploads, view: ServerView, sent: Bool[Array, " clients"]
) -> Uploads:
    """Scales all rows of each client so that together they have the median norm."""
    uploads = each_client_one_slot(uploads)
    (squares,) = sums_by_client(
        lambda rows: [row_norm(rows) ** 2], uploads, view.num_clients
    )
    # The root has no derivative at 0.
    norms = jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)
    median = jnp.maximum(median_of_clients(norms, sent), SMALLEST_NORM)
    factor = factor_to_norm(median, norms)

    def of_slots(table: ItemTable) -> Array:
        return jnp.broadcast_to(factor[client_of_slots(table)], table.weight.shape)

    of_bundles = factor[client_of_bundles(uploads)]
    scattered = jnp.repeat(of_bundles, uploads.rows_per_bundle)
    return scale_rows(uploads, (scattered, tuple(map(of_slots, uploads.tables))))


class Tree(NamedTuple):
    """A minimum spanning tree, as far as it has grown.

    Attributes:
        distance: of each client from the nearest in the tree, infinite for those in it.
        order: the clients in it, in the order in which they came.
        edge: how far each came; more than ``FAR`` at the end, where there was nobody.
    """

    distance: Float[Array, " clients"]
    order: Int[Array, " clients"]
    edge: Float[Array, " clients"]


def spanning_tree(
    units: Float[Array, "clients k"], there: Bool[Array, " clients"]
) -> Tree:
    """Prim's tree of the cosine distances, which are computed as it grows.

    Args:
        units: vectors of length 1.
        there: which of them are in it.
    """

    def grow(number: Array, tree: Tree) -> Tree:
        nearest = jnp.argmin(tree.distance)
        away = 1.0 - jnp.matmul(units, units[nearest], precision="highest")
        distance = jnp.where(
            jnp.isinf(tree.distance), jnp.inf, jnp.minimum(tree.distance, away)
        )
        return Tree(
            distance.at[nearest].set(jnp.inf),
            tree.order.at[number].set(nearest),
            tree.edge.at[number].set(tree.distance[nearest]),
        )

    start = jnp.where(there, FAR, jnp.inf)
    nobody = jnp.zeros(there.size, jnp.int32)
    return jax.lax.fori_loop(0, there.size, grow, Tree(start, nobody, start))


def majority_cluster(
    units: Float[Array, "clients k"], there: Bool[Array, " clients"]
) -> Bool[Array, " clients"]:
    """The first linked component that has more than half of all clients.

    Of the tree, components are runs of clients that came one after the other, each over
    an edge no longer than the distance at which clients are linked.
    """
    tree = spanning_tree(units, there)
    place, enough = jnp.arange(there.size), jnp.sum(there) // 2 + 1
    lengths = jnp.sort(tree.edge)

    def first_of_run(linked_below: Array) -> Array:
        return jax.lax.cummax(jnp.where(tree.edge > linked_below, place, 0))

    def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) // 2
        size = jnp.max(place - first_of_run(lengths[middle]) + 1)
        found = size >= enough
        return jnp.where(found, low, middle + 1), jnp.where(found, middle, high)

    steps = there.size.bit_length()
    ends = jnp.int32(0), jnp.maximum(jnp.sum(there) - 1, 0)
    longest, _ = jax.lax.fori_loop(0, steps, halve, ends)
    first = first_of_run(lengths[longest])
    inside = first == first[jnp.argmax(place - first)]
    return jnp.zeros_like(there).at[tree.order].max(inside) & there
