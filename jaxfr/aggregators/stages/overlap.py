"""Clients that touched one and the same set of items share few votes."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerKnowledge, ServerView, Stage
from jaxfr.aggregators.order_statistics import weighted_median
from jaxfr.aggregators.stages.population import median_of_clients, share_of
from jaxfr.aggregators.stages.sketches import (
    ItemColumns,
    drawn_columns,
    identity_columns,
    sums_in_columns,
)
from jaxfr.devices import map_over_devices
from jaxfr.parts import Whole, part
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.shapes import Float, Int
from jaxfr.side_by_side import where_needed
from jaxfr.uploads import Uploads, row_counts
from jaxfr.uploads.clients import rows_by_client, sum_by_client, trust_clients

# Similarities of clients in a block: large, as each block reads all item sets anew.
PAIRS_PER_BLOCK = 2**23


class Seen(NamedTuple):
    """What was seen when item sets were last compared.

    Attributes:
        item_sets: a number that stands for each client's item set; 0 for none.
        trust: in each client.
    """

    item_sets: Int[Array, " clients"]
    trust: Float[Array, " clients"]


@part
def overlap(
    columns: Annotated[int, COUNT_FROM_1] | None = None,
    peers: Annotated[int, COUNT_FROM_1] | None = None,
    every: Annotated[Whole, COUNT_FROM_1] = 1,
) -> Stage:
    """Trusts clients less the more others touched the same items.

    Client i has the vector ``z_ij = k_j^(-1/2)`` of the items j that it sent a row for,
    normalised, where ``k_j`` is the number of rows that item j received, so that rare
    items in common say more. With ``S = Z Z'`` its crowd is

        ``c_i = 1 + sum over others i' of max(0, S_ii' - thr_i) / (1 - thr_i)``,
        ``thr_i = 2 median over others of S_ii' + 2 / R_i``,

    ``R_i`` being the number of its rows, and the trust in it is ``min(1, 2 median(c) /
    c_i)``: clients with one item set share some ``2 median(c)`` votes, however many
    they are. Where thr_i is 1 or more, ``c_i`` is 1. Medians are over all clients that
    sent a row, malicious ones included.

    >>> uploads = fr.uploads_of([[[1.0]] * 9] * 5)  # 5 items, 9 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.overlap(), fr.mean())
    >>> fr.aggregate(rule, uploads, num_clients=9)[0].client_trust  # all are alike
    Array([1., 1., 1., 1., 1., 1., 1., 1., 1.], dtype=float32)

    Costs a product of ``[clients, m]`` with itself and medians of its rows, memory for
    ``[clients, m]`` numbers, and none of it in a round in which everybody sends rows
    for the items of the last comparison: with fixed negatives that is once per run, and
    again when attackers change their items. With resampled negatives or partial
    participation ``every`` spares the rounds between; a client keeps the trust that it
    had in the last comparison, 1 if it was not there.

    For 10^5 clients item sets are sketched: items are drawn into ``columns`` with
    random signs, anew in each comparison, and S becomes that of the sketches, whose
    error has a deviation of ``columns^(-1/2)``; a threshold within two deviations of 0
    would count chance for likeness, so thr_i is ``2 columns^(-1/2)`` more. And clients
    are compared with ``peers`` others only, in turns by id, and what was found is
    multiplied up. What that costs was measured on item sets of MovieLens-1M, 6,040
    clients, and 5 % more that share sets of median size. Copies of one set count 18
    votes exactly, and 2 with 512 columns, with or without 1,024 peers: the higher
    threshold leaves honest clients smaller crowds, and so a smaller median. In groups
    of ten the 317 count 293, 74, and 122 with peers. The trust in an honest client
    differs by .05 on average, .06 with peers, and by .5 in one of a hundred. Of 100,000
    clients, 512 columns and 1,024 peers leave 5,263 copies 19 votes, but those in
    groups of ten 4,700: a group with fewer members than there are clients for each peer
    meets its own by chance only.

    Broken by clients with two rows or less, whose threshold is 1; by groups whose
    members have less in common than the threshold, such as each a set of its own with
    few items of all of them; by few copies of each of many honest clients' sets, which
    take trust from the copied ones, too; by so many clients alike that the medians are
    theirs; and between two comparisons by who waits for that. Says nothing of a table
    with one row, such as shared weights.

    Source: this project. That clients under many names give themselves away by what
    they have in common is the idea of FoolsGold (Fung et al., RAID 2020), which
    compares updates.

    Args:
        columns: of the sketches; none: exact, a column for each item.
        peers: clients that each is compared with; none: all.
        every: item sets are compared in each such round only, and in round 0.
    """

    def init(knowledge: ServerKnowledge) -> Seen:
        number = knowledge.num_clients
        return Seen(jnp.zeros(number, jnp.int32), jnp.ones(number))

    def update(seen: Seen, uploads: Uploads, view: ServerView) -> tuple[Uploads, Seen]:
        item_sets = item_set_numbers(uploads, view.num_clients)
        due = view.round % jnp.asarray(every) == 0
        changed = due & jnp.any(item_sets != seen.item_sets)

        def compare() -> Seen:
            item_columns = identity_columns(uploads.num_items)
            if columns is not None:
                key = jax.random.fold_in(jax.random.key(0), view.round)
                item_columns = drawn_columns(key, uploads.num_items, columns)
            vectors = item_set_vectors(uploads, item_columns, view.num_clients)
            sent = rows_by_client(uploads, view.num_clients)
            first = view.round * (0 if peers is None else peers)
            noise = 0.0 if columns is None else columns**-0.5
            crowd = crowds(vectors, sent, first, peers or view.num_clients, noise)
            usual = 2.0 * median_of_clients(crowd, sent > 0)
            trust = jnp.where(sent > 0, jnp.minimum(1.0, usual / crowd), 1.0)
            return Seen(item_sets, trust)

        seen = where_needed(changed, compare, lambda: seen)
        return trust_clients(uploads, seen.trust), seen

    return Stage(init, update, sees_clients=True)


def item_set_numbers(uploads: Uploads, num_clients: int) -> Int[Array, " clients"]:
    """A number for each client's items: the sum of drawn numbers of the items."""
    bits = jax.random.bits(jax.random.key(1), (uploads.num_items,), jnp.uint32)
    of_items = jax.lax.bitcast_convert_type(bits, jnp.int32)
    tables = tuple(
        jnp.broadcast_to(of_items[:, None], table.weight.shape)
        for table in uploads.tables
    )
    return sum_by_client(uploads, (of_items[uploads.item], tables), num_clients)


def item_set_vectors(
    uploads: Uploads, columns: ItemColumns, num_clients: int
) -> Float[Array, "clients columns"]:
    """The vector z of each client, of length 1; 0 of who sent nothing."""
    value = jnp.maximum(row_counts(uploads), 1) ** -0.5

    def of_row(rows: Array, value: Array) -> Array:
        return jnp.broadcast_to(value, rows.shape[:-1])[..., None]

    found = sums_in_columns(of_row, uploads, columns, num_clients, value)[..., 0]
    return share_of(found, jnp.linalg.norm(found, axis=1, keepdims=True))


def crowds(
    vectors: Float[Array, "clients columns"],
    sent: Int[Array, " clients"],
    first_peer: Array,
    num_peers: int,
    noise: float,
) -> Float[Array, " clients"]:
    """How many clients each client counts as, itself included.

    Args:
        vectors: of their item sets.
        sent: how many rows each sent.
        first_peer: where the turn of the peers begins, by id.
        num_peers: how many each client is compared with.
        noise: deviation of the similarities.
    """
    number = sent.size
    chosen = (first_peer + jnp.arange(min(num_peers, number))) % number
    peers, there = vectors[chosen], sent[chosen] > 0

    def of_client(client: Array, vector: Array, rows: Array) -> Array:
        others = there & (chosen != client)
        alike = jnp.matmul(peers, vector, precision="highest")
        usual = weighted_median(alike, others.astype(jnp.int32))
        threshold = 2.0 * (usual + 1.0 / jnp.maximum(rows, 1) + noise)
        beyond = jnp.maximum(alike - threshold, 0.0) / (1.0 - threshold)
        counted = jnp.where(others & (threshold < 1.0), beyond, 0.0)
        # Those that it was not compared with are like those that it was.
        everybody_else = jnp.sum(sent > 0) - (rows > 0)
        return 1.0 + jnp.sum(counted) * share_of(everybody_else, jnp.sum(others))

    block = max(1, PAIRS_PER_BLOCK // chosen.size)
    return map_over_devices(of_client, block, jnp.arange(number), vectors, sent)
