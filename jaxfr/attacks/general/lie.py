"""LIE: all malicious clients leave the mean by as little as the server overlooks."""

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import ndtri

from jaxfr.attacks.base import (
    AttackState,
    OmniscientAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.attacks.rows import Scope, attacked_items, counts_absent, same_rows
from jaxfr.parts import Number, part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads, item_statistics


def overlooked_deviations(
    benign: Int[Array, ""], malicious: Int[Array, ""]
) -> Float[Array, ""]:
    """How many deviations z a row may leave the mean by.

    ``z = Phi^-1((n - s) / n)``, ``s = floor(N / 2 + 1) - n~``, ``N = n + n~``: with s
    benign clients farther out than they are, the n~ malicious ones are the majority.

    The number ``n - s`` is kept within 1/2 and ``n - 1/2``. That changes none from 1
    to n - 1, and z stays finite for the others: malicious clients that need no benign
    one (s <= 0), or every one of them (s >= n), take the quantile of half a client.
    """
    needed = (benign + malicious) // 2 + 1 - malicious
    overtaken = jnp.clip(benign - needed, 0.5, jnp.maximum(benign - 0.5, 0.5))
    return ndtri(overtaken / jnp.maximum(benign, 1))


def chosen_deviations(
    lie_z: Number | None, benign: Uploads, view: RoundView
) -> Array | float:
    """``lie_z``, or what ``overlooked_deviations`` says where it is none."""
    if lie_z is not None:
        return lie_z
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    return overlooked_deviations(benign.participants, acting)


def lie_row(
    mean: Float[Array, "... d"],
    deviation: Float[Array, "... d"],
    deviations: Array | float,
) -> Float[Array, "... d"]:
    """One item's malicious row, ``mu_j - z sd_j``."""
    return mean - deviations * deviation


@part
def lie(lie_z: Number | None = None, scope: Scope = "dense") -> OmniscientAttack:
    """Colluding clients all leave the mean by the same number of deviations.

    The row of item j is ``mu_j - z sd_j``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.lie(lie_z=0.0), benign)
    Array([[[4.]]], dtype=float32)

    They upload the same row: one weighted row per item.

    Source: Baruch et al., "A Little Is Enough: Circumventing Defenses For Distributed
    Learning", NeurIPS 2019.

    Args:
        lie_z: how many deviations; none: the formula of ``overlooked_deviations``.
        scope: whose rows count and which items are attacked.
    """

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        deviations = chosen_deviations(lie_z, benign, view)
        found = item_statistics(benign, counts_absent(scope))
        rows = lie_row(found.mean, found.deviation, deviations)
        return same_rows(rows, view, attacked_items(scope, found.received)), state

    return OmniscientAttack(draws_nothing, upload)
