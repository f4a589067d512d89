"""Breaking the items that are worth most for their price, within an allowance."""

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import (
    Length,
    allowance,
    deal,
    sent_rows,
)
from jaxfr.attacks.adaptive.invert import inverted
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.parts import part
from jaxfr.shapes import Int
from jaxfr.uploads import Uploads, row_counts


def buy(
    popularity: Int[Array, " m"], price: Int[Array, " m"], money: Array, most: Array
) -> Int[Array, " m"]:
    """Rows bought for each item, the most popular for its price first.

    Args:
        price: rows that an item takes, and that it gets if there are as many left.
        money: rows that there are, int32 scalar.
        most: rows that an item gets at most.
    """
    wanted = jnp.minimum(price, most)
    order = jnp.argsort(-popularity / jnp.maximum(price, 1), stable=True)
    spent = jnp.cumsum(wanted[order])
    before = jnp.zeros_like(wanted).at[order].set(spent - wanted[order])
    return jnp.clip(money - before, 0, wanted)


@part
def knapsack(length: Length = 1.0) -> OmniscientAttack:
    """Inverts the items that are most popular for the benign rows that protect them.

    With tau the median benign client's mean row norm and q the median number of rows,
    the n~ malicious clients have ``n~ q`` rows of norm tau. Item j is worth its
    popularity and costs as many rows as benign clients sent, k_j, or all n~ if that is
    less. Items are bought in the order of popularity over k_j, while rows last, and
    each row is ``-tau s_j / |s_j|``, with s_j the sum of the benign rows.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.knapsack(), benign)
    Array([[[-2.]]], dtype=float32)

    The stages ``clip_adaptive`` and ``budget`` leave such clients as they are. Knows
    this round's benign rows, which client sent them, and how popular items are.

    Source: this project; to fill a knapsack by value for weight is Dantzig's rule.

    Args:
        length: of the rows, in multiples of tau.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del key
        return knowledge.item_popularity

    def upload(
        state: Array, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        allowed = allowance(benign, view.benign_clients, length)
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        money = acting * allowed.rows
        counts = buy(state, row_counts(benign), money, acting)
        sends = deal(counts, view.taking_part)
        return sent_rows(inverted(benign, allowed.norm), sends, view), state

    return OmniscientAttack(init, upload)
