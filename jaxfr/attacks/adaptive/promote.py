"""Crowding the top of every list, within what clipping and a budget allow."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import (
    Allowance,
    Length,
    Places,
    attack_within_allowance,
    deal,
    evenly,
    norm_beside,
    user_direction,
)
from jaxfr.attacks.adaptive.invert import Spread, pool_size
from jaxfr.attacks.base import OmniscientAttack, RoundView
from jaxfr.parts import part
from jaxfr.shapes import Bool
from jaxfr.uploads import Uploads


@part
def promote(spread: Spread = 2.0, length: Length = 1.0) -> OmniscientAttack:
    """Moves unpopular items to where users look, until they fill the top of lists.

    With tau the median benign client's mean row norm and q the median number of rows,
    each malicious client sends q rows ``-tau c`` to ``spread q`` items drawn before
    round 0 from the less popular half, all of which receive as many rows, one more or
    less. The direction c is that of the mean user, as far as benign rows tell: minus
    the sum of the rows of the q most popular items, without their regulariser
    ``lambda v_j``, scaled to length 1.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.promote(), benign)
    Array([[[2.]]], dtype=float32)

    Users who see a hundred items, or all of them, find more than ten that score higher
    than what they would like. The stages ``clip_adaptive`` and ``budget`` leave such
    clients as they are. Knows this round's benign rows, which client sent them, and how
    popular items are.

    Source: this project.

    Args:
        spread: how many times q items, at least 1; more items receive fewer rows.
        length: of the rows, in multiples of tau.
    """

    def plan(
        order: Places, view: RoundView, benign: Uploads, allowed: Allowance
    ) -> tuple[Array, Array]:
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        pool = pool_size(spread, allowed.rows, (order.tail.size + 1) // 2)
        counts = evenly(order.tail, pool, acting * allowed.rows, acting)
        towards = user_direction(benign, view, order.head < allowed.rows)
        rows = jnp.broadcast_to(-allowed.norm * towards, view.item_embeddings.shape)
        return rows, deal(counts, view.taking_part)

    return attack_within_allowance(plan, length)


@part
def mix(spread: Spread = 1.0, length: Length = 1.0) -> OmniscientAttack:
    """Promotes unpopular items with half of the rows, demotes popular ones with half.

    As ``promote``, with ``h = floor(q / 2)`` rows ``-tau c`` of each client to
    ``spread h`` items drawn from the less popular half, and h rows ``tau c`` to the
    ``spread h`` most popular items.

    >>> benign = fr.uploads_of([[[1.0], [2.0]], [[3.0], [4.0]]])  # 2 items, 2 clients
    >>> sorted(fr.attacks.malicious_rows(fr.attacks.mix(), benign).ravel().tolist())
    [-2.5, 2.5]

    Source: this project.

    Args:
        spread: how many times h items of either kind, at least 1.
        length: of the rows, in multiples of tau.
    """

    def plan(
        order: Places, view: RoundView, benign: Uploads, allowed: Allowance
    ) -> tuple[Array, Array]:
        halves = _halves(order, view, allowed, spread)
        towards = user_direction(benign, view, order.head < allowed.rows)
        sign = jnp.where(halves.promoted, -1.0, 1.0)
        return sign[:, None] * allowed.norm * towards, halves.sends

    return attack_within_allowance(plan, length)


@part
def fake_profile(spread: Spread = 1.0, length: Length = 1.0) -> OmniscientAttack:
    """As ``mix``, in rows that a client of matrix factorisation could have sent.

    An honest client's rows are ``g_j u + lambda v_j`` with one u for all and
    coefficients that add up to 0, of which none is larger than its number of pairs.
    Each malicious client sends such rows: ``u = (tau - lambda max_j |v_j|) c``, at
    least 0, so that none is longer than tau, ``g_j = -1`` for each of
    ``h = floor(q / 2)`` promoted items, and 1 for as many demoted ones.

    >>> benign = fr.uploads_of([[[1.0], [2.0]], [[3.0], [4.0]]])  # 2 items, 2 clients
    >>> attack = fr.attacks.fake_profile()
    >>> sorted(fr.attacks.malicious_rows(attack, benign).ravel().tolist())
    [-2.5, 2.5]

    Knows what ``mix`` knows.

    Source: this project.

    Args:
        spread: how many times h items of either kind, at least 1.
        length: of the rows, in multiples of tau.
    """

    def plan(
        order: Places, view: RoundView, benign: Uploads, allowed: Allowance
    ) -> tuple[Array, Array]:
        halves = _halves(order, view, allowed, spread)
        regular = view.task.regularization * view.item_embeddings
        user = norm_beside(regular, allowed.norm) * user_direction(
            benign, view, order.head < allowed.rows
        )
        slope = jnp.where(halves.promoted, -1.0, 1.0)
        return slope[:, None] * user + regular, halves.sends

    return attack_within_allowance(plan, length)


class _Halves(NamedTuple):
    """Which items are promoted rather than demoted, and who sends rows for which."""

    promoted: Bool[Array, " m"]
    sends: Bool[Array, "m malicious_clients"]


def _halves(
    order: Places, view: RoundView, allowed: Allowance, spread: Array | float
) -> _Halves:
    """Deals two pools of one size, so that each client has as many rows of either."""
    half, acting = allowed.rows // 2, jnp.sum(view.taking_part, dtype=jnp.int32)
    pool = pool_size(spread, half, order.head.size // 2)
    of_tail, of_head = (
        evenly(place, pool, acting * half, acting) for place in (order.tail, order.head)
    )
    sends = deal(of_tail, view.taking_part) | deal(of_head, view.taking_part)
    return _Halves(of_tail > 0, sends)
