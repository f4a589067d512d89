"""Gaussian: noise that is distributed as the benign rows are."""

import jax
from jax import Array

from jaxfr.attacks.base import OmniscientAttack
from jaxfr.attacks.rows import Scope, attack_with_own_rows, mean_and_deviation
from jaxfr.parts import part
from jaxfr.shapes import Float


def gaussian_row(
    key: Array, mean: Float[Array, " d"], deviation: Float[Array, " d"]
) -> Float[Array, " d"]:
    """One client's row of one item, drawn from ``N(mu_j, sd_j^2)``.

    Args:
        deviation: sd_j; where it is 0, the row is mu_j.

    Returns:
        Each coordinate with a draw of its own.
    """
    return mean + deviation * jax.random.normal(key, mean.shape, mean.dtype)


@part
def gaussian(scope: Scope = "dense") -> OmniscientAttack:
    """Each malicious client draws from the normal distribution of the benign rows.

    Each coordinate of item j from ``N(mu_j, sd_j^2)``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.gaussian()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    Source: Fang et al., "Local Model Poisoning Attacks to Byzantine-Robust Federated
    Learning", USENIX Security 2020, where it is the baseline "Gaussian attack".

    Args:
        scope: whose rows count and which items are attacked.
    """
    return attack_with_own_rows(gaussian_row, mean_and_deviation, scope)
