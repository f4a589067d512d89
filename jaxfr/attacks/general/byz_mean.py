"""ByzMean: a mean of all rows that is whatever the attackers choose."""

import jax.numpy as jnp

from jaxfr.attacks.base import (
    AttackState,
    OmniscientAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.attacks.general.lie import chosen_deviations, lie_row
from jaxfr.parts import Number, part
from jaxfr.uploads import Uploads, item_statistics, item_sums, item_table


@part
def byz_mean(lie_z: Number | None = None) -> OmniscientAttack:
    """One half sends the row of LIE, the other half makes it the mean of all rows.

    With s_j the sum of the k_j benign rows that item j received, the first
    ``a = floor(n~ / 2)`` of the n~ malicious clients that act upload ``g_j``, and the
    other ``b = n~ - a`` upload ``((k_j + b) g_j - s_j) / b``, so that the mean of all
    is g_j. It is the row of ``lie``, ``mu_j - z sd_j``, of the received rows, for each
    item that received any.

    >>> benign = fr.uploads_of([[[1.0], [3.0]]])  # 1 item, 2 clients, d = 1
    >>> attack = fr.attacks.byz_mean(lie_z=1.0)
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2)  # of mean 1
    Array([[[ 1.],
            [-1.]]], dtype=float32)

    Knows this round's benign rows.

    Source: Xu et al., "Byzantine-robust federated learning through collaborative
    malicious gradient filtering", ICDCS 2022; there of whole updates.

    Args:
        lie_z: deviations from the mean; none: as many as LIE's formula says.
    """

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        deviations = chosen_deviations(lie_z, benign, view)
        found = item_statistics(benign, absent_as_zeros=False)
        chosen = lie_row(found.mean, found.deviation, deviations)
        half = acting // 2
        rest = acting - half
        wanted = (found.received + rest)[:, None] * chosen
        balance = (wanted - item_sums(benign)) / jnp.maximum(rest, 1)
        turn = jnp.cumsum(view.taking_part, dtype=jnp.int32) - 1
        first = (turn < half) & view.taking_part
        senders = jnp.stack([first, ~first & view.taking_part])[None]
        weight = (found.received > 0)[:, None] * jnp.stack([half, rest])
        rows = jnp.stack([chosen, balance], axis=1)
        return item_table(rows, weight, view.item_embeddings, acting, senders), state

    return OmniscientAttack(draws_nothing, upload)
