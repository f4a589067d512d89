"""Inverting what items learn, within what clipping and a budget allow."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import (
    Allowance,
    Length,
    Places,
    attack_within_allowance,
    deal,
    evenly,
)
from jaxfr.attacks.base import OmniscientAttack, RoundView
from jaxfr.attacks.rows import of_length
from jaxfr.parts import Number, part
from jaxfr.ranges import LARGEST, Range
from jaxfr.uploads import Uploads, item_sums, row_counts

Spread = Annotated[Number, Range(1, LARGEST)]


@part
def invert_head(spread: Spread = 1.0, length: Length = 1.0) -> OmniscientAttack:
    """Inverts the most popular items, with as many and as long rows as are trusted.

    With tau the median benign client's mean row norm and q the median number of rows,
    each malicious client sends q rows of norm tau, ``-tau s_j / |s_j|`` with s_j the
    sum of item j's benign rows, to the ``spread q`` most popular items, all of which
    receive as many rows, one more or less; none where no benign client sent any.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.invert_head(), benign)
    Array([[[-2.]]], dtype=float32)

    The stages ``clip_adaptive`` and ``budget`` leave such clients as they are. Knows
    this round's benign rows, which client sent them, and how popular items are.

    Source: this project.

    Args:
        spread: how many times q items, at least 1.
        length: of the rows, in multiples of tau.
    """

    def plan(
        order: Places, view: RoundView, benign: Uploads, allowed: Allowance
    ) -> tuple[Array, Array]:
        return _invert(order.head, order.head.size, view, benign, allowed, spread)

    return attack_within_allowance(plan, length)


@part
def invert_tail(spread: Spread = 1.0, length: Length = 1.0) -> OmniscientAttack:
    """Inverts items of the less popular half, which few benign rows protect.

    As ``invert_head``, to ``spread q`` items drawn before round 0 from the less popular
    half, and to all of this half at most.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.invert_tail(), benign)
    Array([[[-2.]]], dtype=float32)

    Source: this project.

    Args:
        spread: how many times q items, at least 1.
        length: of the rows, in multiples of tau.
    """

    def plan(
        order: Places, view: RoundView, benign: Uploads, allowed: Allowance
    ) -> tuple[Array, Array]:
        tail = (order.tail.size + 1) // 2
        return _invert(order.tail, tail, view, benign, allowed, spread)

    return attack_within_allowance(plan, length)


def inverted(benign: Uploads, norm: Array) -> Array:
    """``-tau s_j / |s_j|`` of each item, ``[m, d]``; 0 where the sum s_j is."""
    return of_length(-item_sums(benign), norm)


def pool_size(spread: Array | float, rows: Array, most: int) -> Array:
    """``spread`` times so many items, rounded down, and no more than there are."""
    wanted = jnp.floor(jnp.asarray(spread) * rows)
    return jnp.minimum(wanted, most).astype(jnp.int32)


def _invert(
    place: Array,
    most: int,
    view: RoundView,
    benign: Uploads,
    allowed: Allowance,
    spread: Array | float,
) -> tuple[Array, Array]:
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    pool = pool_size(spread, allowed.rows, most)
    counts = evenly(place, pool, acting * allowed.rows, acting)
    counts = jnp.where(row_counts(benign) > 0, counts, 0)
    return inverted(benign, allowed.norm), deal(counts, view.taking_part)
