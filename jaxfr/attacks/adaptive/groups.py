"""Small groups with a target each, among camouflage that every client draws alone."""

from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import (
    Length,
    Places,
    allowance,
    place_in_order,
    places,
    user_direction,
)
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.rows import of_length
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import COUNT_FROM_1, Range
from jaxfr.sampling import popularity_order
from jaxfr.shapes import Int
from jaxfr.uploads import Uploads, item_sums, item_table


class Disguise(NamedTuple):
    """What was drawn before round 0.

    Attributes:
        places: of the items; targets are from the tail.
        decoy: of each client, the place of each item in the order in which it takes
            them for camouflage.
    """

    places: Places
    decoy: Int[Array, "malicious_clients m"]


@part
def groups(
    number: Annotated[Whole, COUNT_FROM_1] = 3,
    share: Annotated[Number, Range(0, 1)] = 0.15,
    decoys: Literal["popular", "uniform"] = "popular",
    length: Length = 1.0,
) -> OmniscientAttack:
    """Groups promote items of their own, and their members have nothing else in common.

    With tau the median benign client's mean row norm and q the median number of rows,
    malicious clients are divided into so many groups. A group has ``floor(share q)``
    items of the less popular half, at least one and no other group's, to which each
    member sends ``-tau c``, where c is the direction of the mean user as in
    ``promote``. Its other rows, up to q, go to decoys: items that each client draws for
    itself before round 0, which it sends what they learn anyway, ``tau s_j / |s_j|``
    with s_j the sum of item j's benign rows.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.groups(), benign)  # promotion, no decoy
    Array([[[2.],
            [0.]]], dtype=float32)

    ``clip_adaptive`` and ``budget`` leave such clients as they are. A small share keeps
    the members of a group as unlike as ``overlap`` wants them, and to ``reputation``
    decoys agree with the aggregates. Knows this round's benign rows, which client sent
    them, and how popular items are.

    Source: this project.

    Args:
        number: of groups; those for which the less popular half has no items left have
            no target.
        share: of a client's rows, for its group's target.
        decoys: ``popular``: drawn in proportion to popularity; ``uniform``: all alike.
        length: of the rows, in multiples of tau.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_places, key_decoys = jax.random.split(key)

        def one_client(client: Array) -> Array:
            own = jax.random.fold_in(key_decoys, client)
            if decoys == "uniform":
                return place_in_order(own, jnp.zeros_like(knowledge.item_popularity))
            return popularity_order(own, knowledge.item_popularity)

        drawn = jax.lax.map(one_client, jnp.arange(knowledge.malicious_clients))
        return Disguise(places(key_places, knowledge.item_popularity), drawn)

    def upload(
        state: Disguise, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        allowed = allowance(benign, view.benign_clients, length)
        targets = jnp.floor(jnp.asarray(share) * allowed.rows).astype(jnp.int32)
        targets = jnp.clip(targets, jnp.minimum(allowed.rows, 1), allowed.rows)
        order, items = state.places, view.item_embeddings
        turn = jnp.cumsum(view.taking_part, dtype=jnp.int32) - 1
        group_of_item = order.tail // jnp.maximum(targets, 1)
        in_tail = order.tail < (order.tail.size + 1) // 2
        own = group_of_item[:, None] == turn % jnp.asarray(number)
        own &= in_tail[:, None] & view.taking_part & (targets > 0)
        others = (allowed.rows - targets > state.decoy.T) & view.taking_part & ~own
        towards = user_direction(benign, view, order.head < allowed.rows)
        promoted = jnp.broadcast_to(-allowed.norm * towards, items.shape)
        honest = of_length(item_sums(benign), allowed.norm)
        sends = jnp.stack([own, others], axis=1)
        weight = jnp.sum(sends, axis=2, dtype=jnp.int32)
        rows = jnp.stack([promoted, honest], axis=1)
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        return item_table(rows, weight, items, acting, sends), state

    return OmniscientAttack(init, upload)
