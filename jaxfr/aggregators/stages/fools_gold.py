"""FoolsGold: less trust in clients whose summed uploads resemble another's."""

from typing import Annotated, NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerKnowledge, ServerView, Stage
from jaxfr.aggregators.stages.sketches import (
    client_sketches,
    numbers_in_sketch,
    unit_vectors,
)
from jaxfr.devices import map_over_devices
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import COUNT_FROM_1, POSITIVE
from jaxfr.shapes import Bool, Float
from jaxfr.side_by_side import where_needed
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import trust_clients

# Similarities of clients in a block: each block reads all sketches anew.
PAIRS_PER_BLOCK = 2**23
# Of cosines, for rounding.
TOLERANCE = 1e-6


class Remembered(NamedTuple):
    """What is remembered of all rounds.

    Attributes:
        sums: of each client's sketches.
        trust: in each client since sums were last compared.
    """

    sums: Float[Array, "clients numbers"]
    trust: Float[Array, " clients"]


@part
def fools_gold(
    confidence: Annotated[Number, POSITIVE] = 1.0,
    every: Annotated[Whole, COUNT_FROM_1] = 1,
    columns: Annotated[int, COUNT_FROM_1] = 8,
) -> Stage:
    """Trusts clients less the more their summed uploads resemble another client's.

    With ``H_i`` the sum of all that client i sent so far, zeros for what it did not,
    ``cs_ij`` the cosine of ``H_i`` and ``H_j``, and ``v_i`` the largest of ``cs_ij``
    over the others j,

        ``alpha_i = 1 - max_j cs_ij min(1, v_i / v_j)``,

    in which honest clients are pardoned that resemble one who resembles another more.
    Divided by the largest client's and cut to [0, 1], the trust is

        ``clip(confidence (ln(alpha_i / (1 - alpha_i)) + 1/2), 0, 1)``.

    Where all are alike, all are trusted, and so is who has sent nothing but zeros.

    >>> rows = [[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]]  # 1 item, d = 2
    >>> rule = fr.chain(fr.aggregators.fools_gold(), fr.mean())
    >>> fr.aggregate(rule, fr.uploads_of(rows), num_clients=4)[0].client_trust
    Array([1., 1., 0., 0.], dtype=float32)

    Costs a look at each row, to sketch what clients sent in ``columns`` times d
    numbers, of which it remembers the sums, and twice the product of all sums with each
    other, a block at a time: 6 times as long as adding up all rows at 943 clients, 20
    times at 6,040. ``every`` spares the rounds between, in which a client keeps the
    trust that it had.

    Broken by attackers who differ from each other, such as by noise of their own, and
    by a single one; by two who frame an honest client by sending what it sent. Honest
    clients are taken for attackers where they are alike: with few interactions of the
    same popular items, or as long as all user embeddings point one way.

    Source: Fung et al., "The limitations of federated learning in sybil settings", RAID
    2020. There features may be weighted by their importance, and nothing is sketched;
    the negative cosines of clients that resemble nobody are pardoned, too.

    Args:
        confidence: steepness of the trust, kappa.
        every: sums are compared in each such round only, and in round 0.
        columns: of the sketches, each of d numbers.
    """

    def init(knowledge: ServerKnowledge) -> Remembered:
        numbers = numbers_in_sketch(
            columns, knowledge.num_items, knowledge.embedding_dim
        )
        number = knowledge.num_clients
        return Remembered(jnp.zeros((number, numbers)), jnp.ones(number))

    def update(
        before: Remembered, uploads: Uploads, view: ServerView
    ) -> tuple[Uploads, Remembered]:
        sums = before.sums + client_sketches(uploads, columns, view.num_clients)
        due = view.round % jnp.asarray(every) == 0

        def compare() -> Array:
            there = jnp.any(sums != 0, axis=1)
            alpha = 1.0 - pardoned_likeness(unit_vectors(sums), there)
            alpha = jnp.where(alpha > TOLERANCE, jnp.minimum(alpha, 1.0), 0.0)
            most = jnp.max(jnp.where(there, alpha, 0.0))
            alpha = alpha / jnp.where(most > 0, most, 1.0)
            logit = jnp.log(alpha) - jnp.log1p(-alpha) + 0.5
            trust = jnp.clip(jnp.asarray(confidence, jnp.float32) * logit, 0.0, 1.0)
            return jnp.where(there & (most > 0), trust, 1.0)

        trust = where_needed(due, compare, lambda: before.trust)
        return trust_clients(uploads, trust), Remembered(sums, trust)

    return Stage(init, update, sees_clients=True)


def pardoned_likeness(
    units: Float[Array, "clients k"], there: Bool[Array, " clients"]
) -> Float[Array, " clients"]:
    """Each client's largest cosine with another, after pardoning.

    Args:
        units: vectors of length 1.
        there: who is compared.
    """
    number = there.size
    clients, block = jnp.arange(number), max(1, PAIRS_PER_BLOCK // number)

    def to_others(client: Array, unit: Array) -> Array:
        alike = jnp.matmul(units, unit, precision="highest")
        return jnp.where(there & (clients != client), alike, -1.0)

    def largest(client: Array, unit: Array) -> Array:
        return jnp.max(to_others(client, unit))

    most = map_over_devices(largest, block, clients, units)

    def largest_after_pardon(client: Array, unit: Array, own: Array) -> Array:
        pardoned = (own > 0) & (most > own)
        share = jnp.where(pardoned, own / jnp.where(pardoned, most, 1.0), 1.0)
        return jnp.max(to_others(client, unit) * share)

    return map_over_devices(largest_after_pardon, block, clients, units, most)
