"""UA-FedRec's model perturbation: from the mean by deviations, against its sign."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import OmniscientAttack
from jaxfr.attacks.rows import attack_with_one_row
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT
from jaxfr.uploads import Uploads, item_statistics


@part
def ua_mean(deviations: Annotated[Number, AMOUNT] = 3.0) -> OmniscientAttack:
    """All malicious clients leave the mean by deviations, against its sign.

    With mu_j and sd_j the mean and the population standard deviation of the benign rows
    that item j received, the row of each item that received any is
    ``mu_j - deviations sign(mu_j) sd_j``, coordinate by coordinate.

    >>> benign = fr.uploads_of([[[1.0], [3.0]]])  # 1 item, 2 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.ua_mean(), benign)
    Array([[[-1.]]], dtype=float32)

    It is ``fang`` with one number instead of draws from U(3, 4), and the same row for
    all. Knows this round's benign rows.

    Source: Yi et al., "UA-FedRec: Untargeted attack on federated news recommendation",
    KDD 2023: its perturbation of the user model, with mean and deviation of clients
    that the attacker owns. Its news are texts and its mean weighs clients by samples,
    so its other two perturbations have no counterpart here.

    Args:
        deviations: how many.
    """

    def rows(benign: Uploads) -> Array:
        found = item_statistics(benign, absent_as_zeros=False)
        distance = jnp.asarray(deviations, jnp.float32) * found.deviation
        return found.mean - jnp.sign(found.mean) * distance

    return attack_with_one_row(rows)
