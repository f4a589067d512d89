"""Fang: rows far from the benign ones, on the side that the item is not moved to.

Source: Fang et al., "Local Model Poisoning Attacks to Byzantine-Robust Federated
Learning", USENIX Security 2020, sections 4.2.1 (full knowledge) and 4.2.2 (partial
knowledge) of the attack on the trimmed mean and the median.
"""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import OmniscientAttack
from jaxfr.attacks.rows import Scope, attack_with_own_rows, mean_and_deviation
from jaxfr.parts import part
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads, item_extremes, item_statistics

STRETCH = 2.0
"""The paper's b, by which full knowledge goes beyond the extremes at most."""


def fang_row(
    key: Array, mean: Float[Array, " d"], deviation: Float[Array, " d"]
) -> Float[Array, " d"]:
    """One client's row of one item, ``mu_j - sign(mu_j) U(3, 4) sd_j``.

    Args:
        deviation: sd_j; where it is 0, the row is mu_j.

    Returns:
        With a U(3, 4) for each coordinate.
    """
    distance = jax.random.uniform(key, mean.shape, mean.dtype, 3.0, 4.0)
    return mean - jnp.sign(mean) * distance * deviation


def beyond_extremes_row(
    key: Array, mean: Float[Array, " d"], minimum: Float[Array, " d"], maximum: Array
) -> Float[Array, " d"]:
    """One client's row of one item, uniform beyond the benign minimum or maximum.

    Coordinate by coordinate: below the minimum where ``mu_j > 0``, and above the
    maximum elsewhere. With b = 2 it is between the extreme and b times or 1/b times the
    extreme, whichever lies beyond: for a minimum ``[min / b, min]`` if it is above 0,
    else ``[b min, min]``; for a maximum ``[max, b max]`` if it is above 0, else
    ``[max, max / b]``.
    """
    downwards = mean > 0
    extreme = jnp.where(downwards, minimum, maximum)
    away_from_zero = downwards == (extreme <= 0)
    farthest = jnp.where(away_from_zero, STRETCH * extreme, extreme / STRETCH)
    share = jax.random.uniform(key, mean.shape, mean.dtype)
    return extreme + share * (farthest - extreme)


@part
def fang(scope: Scope = "dense") -> OmniscientAttack:
    """Partial knowledge: beyond the benign rows by their mean and deviation.

    The row of item j is ``mu_j - sign(mu_j) U(3, 4) sd_j``, drawn by coordinate.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.fang()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    Source: Fang et al., USENIX Security 2020, section 4.2.2.

    Args:
        scope: whose rows count and which items are attacked.
    """
    return attack_with_own_rows(fang_row, mean_and_deviation, scope)


@part
def fang_full_knowledge(scope: Scope = "dense") -> OmniscientAttack:
    """Full knowledge: beyond the benign rows' own minimum or maximum.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.fang_full_knowledge()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    Source: Fang et al., USENIX Security 2020, section 4.2.1.

    Args:
        scope: whose rows count and which items are attacked.
    """

    def statistics(benign: Uploads, absent_as_zeros: bool) -> tuple[Array, ...]:
        extremes = item_extremes(benign, absent_as_zeros)
        mean = item_statistics(benign, absent_as_zeros).mean
        return mean, extremes.minimum, extremes.maximum

    return attack_with_own_rows(beyond_extremes_row, statistics, scope)
