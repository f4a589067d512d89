"""Rows one by one to the items where the next one costs benign clients most."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import (
    Length,
    allowance,
    deal,
    sent_rows,
)
from jaxfr.attacks.adaptive.benign_loss import LossName, loss_gradient, needs_of
from jaxfr.attacks.base import (
    AttackState,
    OmniscientAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.attacks.rows import of_length
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads, item_sums, row_counts
from jaxfr.uploads.norms import row_norm


def marginal_cost(
    steepness: Array, against: Array, received: Array, sent: Array
) -> Float[Array, " m"]:
    """What the malicious row number ``b + 1`` of an item costs benign clients.

    The aggregate of k benign rows with sum s and b malicious ones ``-tau G / |G|``
    costs ``f(b) = (b tau |G| - <G, s>) / (k + b)``, times the learning rate, and
    ``f(b + 1) - f(b) = (k tau |G| + <G, s>) / ((k + b) (k + b + 1))``; the first row of
    an item without any costs ``tau |G|``, and further ones nothing.

    Args:
        steepness: ``tau |G|``.
        against: ``<G, s>``.
        received: k.
        sent: b.
    """
    both = received + sent
    cost = (received * steepness + against) / jnp.maximum(both * (both + 1.0), 1.0)
    return jnp.where(both > 0, cost, steepness)


def fill(
    steepness: Float[Array, " m"],
    against: Float[Array, " m"],
    received: Int[Array, " m"],
    total: Int[Array, ""],
    most: Int[Array, ""],
) -> Int[Array, " m"]:
    """How many rows each item gets where each row goes where it costs most.

    As an item's rows cost less and less, these are all rows that cost more than some
    level, which is found by halving, and a few that cost just that.

    Args:
        steepness: of each item, as ``marginal_cost`` has it; and so are the next two.
        total: rows that there are.
        most: rows that an item gets at most.
    """
    received = received.astype(jnp.float32)
    protected = received * steepness + against

    def above(level: Array) -> Array:
        """Rows of each item that cost more than this."""
        # (k + b)(k + b + 1) < C / level, solved for the smallest b that is not.
        root = jnp.sqrt(0.25 + jnp.maximum(protected, 0.0) / level)
        some = jnp.ceil(root - 0.5 - received)
        first_alone = jnp.where(steepness > level, 1.0, 0.0)
        count = jnp.where(received > 0, some, first_alone)
        return jnp.clip(count, 0.0, most).astype(jnp.int32)

    # The counts are carried along: computed anew, they may be rounded otherwise.
    def halve(
        _: Array, found: tuple[Array, Array, Array]
    ) -> tuple[Array, Array, Array]:
        # Positive floats are ordered as their bits are.
        low, high, counts = found
        middle = low + (high - low) // 2
        tried = above(jax.lax.bitcast_convert_type(middle, jnp.float32))
        few = jnp.sum(tried.astype(jnp.float32)) <= total
        return (
            jnp.where(few, low, middle),
            jnp.where(few, middle, high),
            jnp.where(few, tried, counts),
        )

    ends = jax.lax.bitcast_convert_type(jnp.array([1e-30, 3e38]), jnp.int32)
    nothing = jnp.zeros(received.shape, jnp.int32)
    counts = jax.lax.fori_loop(0, 32, halve, (ends[0], ends[1], nothing))[2]
    costs = marginal_cost(steepness, against, received, counts)
    open_to_more = (counts < most) & (costs > 0.0)
    order = jnp.argsort(jnp.where(open_to_more, -costs, jnp.inf), stable=True)
    place = jnp.zeros_like(counts).at[order].set(jnp.arange(counts.size))
    left = total - jnp.sum(counts)
    return counts + (open_to_more & (place < left))


@part
def water_filling(
    loss: LossName = "training", length: Length = 1.0
) -> OmniscientAttack:
    """Gives rows one by one to the items where the next costs benign clients most.

    With tau the median benign client's mean row norm and q the median number of rows,
    the n~ malicious clients have ``n~ q`` rows of norm tau, and n~ at most for an item.
    With L the loss of all benign clients, ``G_j = dL/dv_j``, ``s_j`` the sum of item
    j's k_j benign rows, and b rows given to it so far, each ``-tau G_j / |G_j|``, the
    mean of its rows changes L, to first order, by another

        ``(k_j tau |G_j| + <G_j, s_j>) / ((k_j + b) (k_j + b + 1))``

    times the learning rate with the next row, which goes where that is most. No other
    choice of items costs more, if the server takes means.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.water_filling(), benign)
    Array([[[-2.]]], dtype=float32)

    Of the loss that clients train on, ``G_j`` is ``s_j``. Training pulls only at the
    items that a client holds or has drawn, ``ranking`` at whatever is near the top of
    its list: ``L = sum over clients i and held items j of ln(1 + sum over other items k
    of exp(u_i . v_k - u_i . v_j))``, in which user embeddings and held items are read
    from the rows.

    The stages ``clip_adaptive`` and ``budget`` leave such clients as they are. Knows
    this round's benign rows, and which client sent them.

    Source: this project; water filling is how power is divided among channels (Cover
    and Thomas, "Elements of information theory").

    Args:
        loss: which loss L.
        length: of the rows, in multiples of tau.
    """

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        allowed = allowance(benign, view.benign_clients, length)
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        steepest = loss_gradient(loss, benign)
        counts = fill(
            allowed.norm * row_norm(steepest),
            jnp.sum(steepest * item_sums(benign), axis=1),
            row_counts(benign),
            acting * allowed.rows,
            acting,
        )
        sends = deal(counts, view.taking_part)
        return sent_rows(of_length(-steepest, allowed.norm), sends, view), state

    return OmniscientAttack(draws_nothing, upload, needs=needs_of(loss))
