"""Honest item sets inverted, as far as rows of one direction that add up to 0 can."""

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import Length, allowance, norm_beside
from jaxfr.attacks.adaptive.copied_sets import draw_copied, item_sets
from jaxfr.attacks.adaptive.invert import inverted
from jaxfr.attacks.base import AttackState, OmniscientAttack, RoundView
from jaxfr.attacks.rows import send_own_rows
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.parts import part
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads


@part
def copied_profiles(length: Length = 1.0) -> OmniscientAttack:
    """As ``copied_sets``, in rows that a client of matrix factorisation could send.

    Each malicious client sends rows ``g_j u + lambda v_j`` for the items j that an
    honest client of its own sent rows for. Of what ``copied_sets`` would send for
    these, ``y_j = -s_j / |s_j|``, less their mean, w is the direction with the largest
    sum of squared parts. With tau the median benign client's mean row norm,

        ``u = max(tau - lambda max_j |v_j|, 0) w``,

    so that no row is longer than tau, and ``g_j`` is 1 for the half of the items with
    the largest ``<y_j, w>``, -1 for the other half; for an odd one between them 0.

    >>> benign = fr.uploads_of([[[1.0]], [[-2.0]], [[4.0]]])  # 3 items, 1 client, d = 1
    >>> attack = fr.attacks.copied_profiles()
    >>> abs(fr.attacks.malicious_rows(attack, benign).ravel().sum().round(3))
    Array(0., dtype=float32)

    Coefficients that add up to 0 over one direction are all that ``realisable`` asks
    for, item sets of honest clients all that ``overlap`` does, and short rows for as
    many items what ``clip_adaptive`` and ``budget`` allow. Knows what ``copied_sets``
    knows.

    Source: this project.

    Args:
        length: of the rows, in multiples of tau.
    """

    def upload(
        state: Array, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        items = view.item_embeddings
        regular = view.task.regularization * items
        allowed = allowance(benign, view.benign_clients, length).norm
        norm = norm_beside(regular, allowed)
        wanted = inverted(benign, jnp.ones(()))

        def one_client(holds: Array) -> Array:
            direction, sign = opposite_halves(wanted, holds)
            return sign[:, None] * norm * direction + regular

        holds = item_sets(benign, state, view.benign_clients)
        rows = map_over_devices(one_client, members_per_block(items.size), holds.T)
        return send_own_rows(jnp.swapaxes(rows, 0, 1), holds, view), state

    return OmniscientAttack(draw_copied, upload, sends_own_rows=True)


def opposite_halves(
    wanted: Float[Array, "m d"], holds: Bool[Array, " m"]
) -> tuple[Float[Array, " d"], Float[Array, " m"]]:
    """The direction in which one client's items differ most, and on which side each is.

    Args:
        wanted: where each item is to go.
        holds: the items that count.

    Returns:
        A vector of length 1, and of each item 1, -1, or 0 for one in the middle of an
        odd number; as many are 1 as are -1.
    """
    number = jnp.sum(holds)
    mean = jnp.sum(jnp.where(holds[:, None], wanted, 0.0), axis=0)
    centred = wanted - mean / jnp.maximum(number, 1)
    centred = jnp.where(holds[:, None], centred, 0.0)
    squares = jnp.matmul(centred.T, centred, precision="highest")
    direction = jnp.linalg.eigh(squares)[1][:, -1]
    part = jnp.where(holds, centred @ direction, jnp.inf)  # others come last
    order, place = jnp.argsort(part), jnp.arange(part.size)
    half = number // 2
    upper = (place >= number - half) & (place < number)
    sign = upper.astype(part.dtype) - (place < half)
    return direction, jnp.zeros_like(sign).at[order].set(sign, unique_indices=True)
