"""What clipping and a budget leave to a client: how long its rows, and how many.

The stages ``clip_adaptive`` and ``budget`` take medians over the clients of a round. An
attacker who sees benign rows finds the same medians. Rows that are so many and so long
are left as they are by both stages, and leave the medians where they are.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.stages.population import median_norm, median_row_count
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.rows import of_length
from jaxfr.parts import Number
from jaxfr.ranges import AMOUNT
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads, item_sums, item_table, row_counts
from jaxfr.uploads.clients import rows_by_client
from jaxfr.uploads.norms import row_norms


class Allowance(NamedTuple):
    """What every client may send without being clipped or trusted less.

    Attributes:
        norm: tau, the median benign client's mean row norm, or a multiple of it.
        rows: q, the median of benign clients' numbers of rows, rounded down.
    """

    norm: Float[Array, ""]
    rows: Int[Array, ""]


class Places(NamedTuple):
    """The place of each item in two orders, from 0.

    Attributes:
        head: by popularity, the most popular first; ties in drawn order.
        tail: the less popular half of the items first, in drawn order.
    """

    head: Int[Array, " m"]
    tail: Int[Array, " m"]


Plan = Callable[[Places, RoundView, Uploads, Allowance], tuple[Array, Array]]
"""A row for each item, ``[m, d]``, and who sends it, ``[m, malicious_clients]``."""


Length = Annotated[Number, AMOUNT]
"""How long rows are, in multiples of the allowed norm tau."""


def attack_within_allowance(plan: Plan, length: Length) -> OmniscientAttack:
    """An attack that sends what it plans, knowing what clients are allowed."""

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return places(key, knowledge.item_popularity)

    def upload(
        state: Places, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        allowed = allowance(benign, view.benign_clients, length)
        return sent_rows(*plan(state, view, benign, allowed), view), state

    return OmniscientAttack(init, upload)


def allowance(benign: Uploads, benign_clients: int, length: Length = 1.0) -> Allowance:
    """What the stages ``clip_adaptive`` and ``budget`` allow, by benign rows alone.

    Args:
        benign: the rows, and who sent them.
        benign_clients: their number.
        length: what the norm is multiplied by.
    """
    norm = median_norm(benign, row_norms(benign), benign_clients)
    rows = median_row_count(rows_by_client(benign, benign_clients))
    return Allowance(jnp.asarray(length) * norm, jnp.floor(rows).astype(jnp.int32))


def norm_beside(
    regular: Float[Array, "m d"], norm: Float[Array, ""]
) -> Float[Array, ""]:
    """How long u may be so that no row ``u + lambda v_j`` is longer than a norm.

    Args:
        regular: ``lambda v_j`` of all items.
        norm: the longest a row may be; where some ``lambda v_j`` is longer, u is 0.
    """
    return jnp.maximum(norm - jnp.max(jnp.linalg.norm(regular, axis=1)), 0.0)


def places(key: Array, item_popularity: Int[Array, " m"]) -> Places:
    """Draws the orders of the items."""
    number = item_popularity.size
    key_head, key_tail = jax.random.split(key)
    head = place_in_order(key_head, -item_popularity)
    return Places(head, place_in_order(key_tail, (head < number // 2).astype(int)))


def place_in_order(key: Array, value: Int[Array, " m"]) -> Int[Array, " m"]:
    """The place of each item in ascending order of a value, equal ones as drawn."""
    drawn = jax.random.uniform(key, value.shape)
    order = jnp.lexsort((drawn, value))
    every = jnp.arange(value.size, dtype=jnp.int32)
    return jnp.zeros_like(every).at[order].set(every)


def evenly(
    place: Int[Array, " m"], pool: Array, total: Array, acting: Array
) -> Int[Array, " m"]:
    """How many rows each item receives where those of a pool share them evenly.

    Args:
        place: of each item; the first ``pool`` of them are the pool.
        pool: how many items.
        total: how many rows, int32 scalar.
        acting: how many clients there are to send a row.
    """
    each, rest = jnp.divmod(total, jnp.maximum(pool, 1))
    shared = jnp.minimum(each + (place < rest), acting)
    return jnp.where(place < pool, shared, 0)


def deal(
    rows_of_item: Int[Array, " m"], taking_part: Bool[Array, " malicious_clients"]
) -> Bool[Array, "m malicious_clients"]:
    """Deals rows to the clients that act, in turns, items one after the other.

    So a client has one row of an item at most, and no two clients' numbers of rows
    differ by more than 1.

    Args:
        rows_of_item: how many rows of each item there are, no more than clients act.
    """
    acting = jnp.maximum(jnp.sum(taking_part, dtype=jnp.int32), 1)
    turn = jnp.cumsum(taking_part, dtype=jnp.int32) - 1
    start = jnp.cumsum(rows_of_item) - rows_of_item
    since = (turn - start[:, None]) % acting
    return (since < rows_of_item[:, None]) & taking_part


def sent_rows(
    rows: Float[Array, "m d"],
    sends: Bool[Array, "m malicious_clients"],
    view: RoundView,
) -> Uploads:
    """The uploads in which these clients send these rows."""
    weight = jnp.sum(sends, axis=1, dtype=jnp.int32)
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    return item_table(
        rows[:, None], weight[:, None], view.item_embeddings, acting, sends[:, None]
    )


def user_direction(
    benign: Uploads, view: RoundView, chosen: Bool[Array, " m"]
) -> Float[Array, " d"]:
    """The direction c, of length 1, in which benign clients together move some items.

    ``c = -C / |C|, C = sum over the items of (s_j - lambda k_j v_j)``, with s_j the sum
    of item j's k_j benign rows. A row of matrix factorisation is ``g u + lambda v_j``
    with g below 0 where the user holds the item, so that for popular items, which most
    senders hold, c is about the direction of the mean user.
    """
    received = row_counts(benign)[:, None]
    regular = view.task.regularization * received * view.item_embeddings
    pulls = jnp.where(chosen[:, None], item_sums(benign) - regular, 0.0)
    return of_length(-jnp.sum(pulls, axis=0), jnp.ones(()))
