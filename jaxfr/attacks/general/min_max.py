"""Min-Max and Min-Sum: as far from the mean as benign rows are from one another."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import OmniscientAttack
from jaxfr.attacks.rows import attack_with_one_row
from jaxfr.parts import part
from jaxfr.shapes import Float
from jaxfr.uploads import ItemStatistics, Uploads, item_statistics
from jaxfr.uploads.clients import map_rows
from jaxfr.uploads.distances import diameter, largest_distance, least_by_item
from jaxfr.uploads.norms import row_norm

Perturbation = Annotated[
    Literal["std", "unit", "sign"],
    "std: -sd_j; unit: -mu_j / |mu_j|; sign: -sign(mu_j).",
]


@part
def min_max(perturbation: Perturbation = "std") -> OmniscientAttack:
    """As far from the mean as no farther from any row than two benign ones are.

    The row of each item j that received benign rows r_i, with mean mu_j, is
    ``mu_j + gamma_j p_j``, with the largest gamma_j for which

        ``max_i |mu_j + gamma_j p_j - r_i| <= max over i, i' of |r_i - r_i'|``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.min_max(), benign)  # 8 from the 9
    Array([[[1.]]], dtype=float32)

    That gamma is the least of the larger roots of one quadratic equation for each i, so
    none is searched for. The largest distance of two rows is that of a walk from one
    row to the row farthest from it (``jaxfr.uploads.distances.diameter``), which it is
    never above. Knows this round's benign rows.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine: Optimizing model
    poisoning attacks and defenses for federated learning", NDSS 2021, AGR-agnostic;
    there of whole updates, here of each item's rows.

    Args:
        perturbation: the direction p_j.
    """

    def rows(benign: Uploads) -> Array:
        found = item_statistics(benign, absent_as_zeros=False)
        away = direction(found, perturbation)
        allowed = diameter(benign, found.mean)
        steps = map_rows(largest_step, benign, found.mean, away, allowed)
        step = jnp.where(found.received > 0, least_by_item(benign, steps), 0.0)
        return found.mean + step[:, None] * away

    return attack_with_one_row(rows)


@part
def min_sum(perturbation: Perturbation = "std") -> OmniscientAttack:
    """As far from the mean as its squared distances add up to no more than a row's.

    The row of each item j that received benign rows r_i, with mean mu_j, is
    ``mu_j + gamma_j p_j``, with the largest gamma_j for which

        ``sum_i |mu_j + gamma_j p_j - r_i|^2 <= max over i' of sum_i |r_i' - r_i|^2``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.min_sum(), benign)
    Array([[[-1.]]], dtype=float32)

    As the distances from the mean add up to 0, so it is where the row is as far from
    the mean as the farthest benign row, ``gamma_j = max_i |r_i - mu_j| / |p_j|``. Knows
    this round's benign rows.

    Source: Shejwalkar and Houmansadr, NDSS 2021, as ``min_max``.

    Args:
        perturbation: the direction p_j.
    """

    def rows(benign: Uploads) -> Array:
        found = item_statistics(benign, absent_as_zeros=False)
        step = largest_distance(benign, found.mean)
        return found.mean + step[:, None] * direction(found, perturbation)

    return attack_with_one_row(rows)


def direction(found: ItemStatistics, perturbation: Perturbation) -> Float[Array, "m d"]:
    """The perturbation p_j, scaled to length 1; 0 where p_j is."""
    if perturbation == "std":
        away = -found.deviation
    else:
        away = -found.mean if perturbation == "unit" else -jnp.sign(found.mean)
    length = row_norm(away)[:, None]
    return away / jnp.where(length > 0.0, length, 1.0)


def largest_step(row: Array, mean: Array, away: Array, allowed: Array) -> Array:
    """How far from the mean no row is farther than ``allowed`` from this one.

    With ``x = r - mu`` and a p of length 1, the larger g with ``|g p - x| = D``, which
    is ``p.x + sqrt((p.x)^2 + D^2 - |x|^2)``; and 0 where p is.

    Args:
        row: ``[..., d]``.
        mean: of the item's rows, at most D from each.
        away: p, of length 1 or 0.
        allowed: D, ``[...]``.
    """
    offset = row - mean
    along = jnp.sum(away * offset, axis=-1)
    beside = jnp.square(allowed) - jnp.sum(jnp.square(offset), axis=-1)
    step = along + jnp.sqrt(jnp.maximum(jnp.square(along) + beside, 0.0))
    return jnp.where(jnp.any(away != 0.0, axis=-1), step, 0.0)
