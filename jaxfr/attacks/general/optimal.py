"""IPM and LIE with the factor that does most through the server's real defense."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import (
    AttackState,
    RoundView,
    TableAfter,
    WhiteBoxAttack,
    draws_nothing,
)
from jaxfr.attacks.rows import same_rows
from jaxfr.parts import part
from jaxfr.shapes import Float
from jaxfr.uploads import ItemStatistics, Uploads, item_statistics

FACTORS = tuple(2.0**power for power in range(-3, 5))
BETWEEN = 5
"""Factors that are tried on either side of the best power of 2."""


@part
def optimal_ipm() -> WhiteBoxAttack:
    """Inner product manipulation, ``-eps mu_j``, with the eps that moves items most.

    With mu_j the mean of the benign rows that item j received, all malicious clients
    upload ``-eps mu_j`` for each item that received any. In each round eps is the one
    of some factors with which the server's defense leads the table farthest from where
    it leads it without them: the powers of 2 from 1/8 to 16, and then 10 between the
    best of them and its neighbours.

    >>> isinstance(fr.attacks.optimal_ipm().make(), fr.WhiteBoxAttack)
    True

    Knows this round's benign rows and the server's defense; costs 19 aggregations.

    Source: Xie et al., UAI 2020, as ``ipm``; Shejwalkar and Houmansadr, NDSS 2021,
    search factors through a known defense.
    """

    def rows(found: ItemStatistics, factor: Array) -> Array:
        return -factor * found.mean

    return _optimal(rows)


@part
def optimal_alie() -> WhiteBoxAttack:
    """LIE, ``mu_j - z sd_j``, with the z that moves items most.

    As ``optimal_ipm``, with mu_j and sd_j the mean and the population standard
    deviation of the benign rows that item j received, and with z for eps.

    >>> isinstance(fr.attacks.optimal_alie().make(), fr.WhiteBoxAttack)
    True

    Source: Baruch et al., NeurIPS 2019, as ``lie``; Shejwalkar and Houmansadr, NDSS
    2021, search factors through a known defense.
    """

    def rows(found: ItemStatistics, factor: Array) -> Array:
        return found.mean - factor * found.deviation

    return _optimal(rows)


def best_factor(damage: Callable[[Array], Array]) -> Float[Array, ""]:
    """The factor of most damage among the powers of 2, and some next to the best."""
    powers = jnp.array(FACTORS)
    best = powers[jnp.argmax(jax.lax.map(damage, powers))]
    sides = jnp.linspace(0.5, 1.0, BETWEEN + 2)[1:-1]
    near = best * jnp.concatenate([jnp.ones(1), sides, 2.0 * sides])
    return near[jnp.argmax(jax.lax.map(damage, near))]


def _optimal(rows: Callable[[ItemStatistics, Array], Array]) -> WhiteBoxAttack:
    def upload(
        state: AttackState, view: RoundView, benign: Uploads, after: TableAfter
    ) -> tuple[Uploads, AttackState]:
        found = item_statistics(benign, absent_as_zeros=False)
        nobody = view._replace(taking_part=jnp.zeros_like(view.taking_part))
        alone = after(same_rows(found.mean, nobody))

        def with_factor(factor: Array) -> Uploads:
            return same_rows(rows(found, factor), view, found.received > 0)

        def damage(factor: Array) -> Array:
            return jnp.sum(jnp.square(after(with_factor(factor)) - alone))

        return with_factor(best_factor(damage)), state

    return WhiteBoxAttack(draws_nothing, upload)
