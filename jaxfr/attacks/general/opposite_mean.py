"""Rows against the benign mean: sign flipping, and inner product manipulation."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import OmniscientAttack
from jaxfr.attacks.rows import attack_with_one_row
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads, item_sums, row_counts


@part
def ipm(strength: Annotated[Number, AMOUNT] = 0.5) -> OmniscientAttack:
    """Inner product manipulation: a multiple of the mean, the other way.

    With mu_j the mean of the benign rows that item j received, all malicious clients
    upload ``-strength mu_j``, for each item that received any.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.ipm(2.0), benign)
    Array([[[-8.]]], dtype=float32)

    A mean of k benign and b such rows is ``(k - strength b) / (k + b)`` times the
    benign one, so it turns round where ``strength b`` is above k: for the items with
    few rows.

    Knows this round's benign rows, of which it needs the sums.

    Source: Xie et al., "Fall of empires: Breaking Byzantine-tolerant SGD by inner
    product manipulation", UAI 2020.

    Args:
        strength: how many times the mean, epsilon.
    """

    def rows(benign: Uploads) -> Array:
        return -jnp.asarray(strength, jnp.float32) * benign_mean(benign)

    return attack_with_one_row(rows, needs_rows=False)


@part
def sign_flip() -> OmniscientAttack:
    """All malicious clients upload the opposite of the mean of each item's rows.

    The row of item j is ``-mu_j``, for each item that received benign rows.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.sign_flip(), benign)
    Array([[[-4.]]], dtype=float32)

    Knows this round's benign rows, of which it needs the sums.

    Source: Li et al., "RSA: Byzantine-robust stochastic aggregation methods for
    distributed learning from heterogeneous datasets", AAAI 2019, where each flips, and
    stretches, a gradient of its own; here all flip the mean: ``ipm`` of strength 1.
    """
    return attack_with_one_row(lambda benign: -benign_mean(benign), needs_rows=False)


def benign_mean(benign: Uploads) -> Float[Array, "m d"]:
    """The mean of each item's rows; 0 without any."""
    return item_sums(benign) / jnp.maximum(row_counts(benign), 1)[:, None]
