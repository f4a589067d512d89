"""Inverting all items with the norm and the signs of an honest client."""

from typing import Annotated, NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.stages.population import median_of_clients, share_of
from jaxfr.aggregators.stages.sign_guard import of_clients
from jaxfr.attacks.base import (
    AttackState,
    OmniscientAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.attacks.rows import same_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads, item_sums, row_counts
from jaxfr.uploads.norms import row_norm

SMALL = 1e-3
"""What a number becomes whose sign changes, as a share of their mean size."""


class Usual(NamedTuple):
    """The medians over benign clients.

    Attributes:
        positive: the share of the numbers they sent that is positive.
        norm: of all that they sent.
    """

    positive: Float[Array, ""]
    norm: Float[Array, ""]


def usual(benign: Uploads, benign_clients: int) -> Usual:
    """What ``sign_guard`` looks at, of the median benign client."""
    count, norms = of_clients(benign, benign_clients)
    numbers = jnp.sum(count, axis=1)
    positive = share_of(count[:, 0], numbers)
    medians = (median_of_clients(each, numbers > 0) for each in (positive, norms))
    return Usual(*medians)


def with_signs(
    rows: Float[Array, "m d"], sent: Bool[Array, " m"], positive: Array
) -> Float[Array, "m d"]:
    """The rows that are nearest to these of which such a share of numbers is positive.

    The largest numbers are positive and all others negative: one of the wrong sign
    becomes small.

    Args:
        sent: which rows count.
        positive: the share.
    """
    counts = jnp.broadcast_to(sent[:, None], rows.shape).reshape(-1)
    numbers = jnp.sum(counts)
    order = jnp.argsort(jnp.where(counts, -rows.reshape(-1), jnp.inf), stable=True)
    place = jnp.zeros_like(order).at[order].set(jnp.arange(order.size))
    above = (place < jnp.round(positive * numbers)).reshape(rows.shape)
    size = jnp.sum(jnp.where(sent[:, None], jnp.abs(rows), 0.0))
    small = SMALL * size / jnp.maximum(numbers, 1)
    return jnp.where(above, jnp.maximum(rows, small), jnp.minimum(rows, -small))


@part
def sign_guard_aware(strength: Annotated[Number, AMOUNT] = 2.5) -> OmniscientAttack:
    """Inverts what all items learn, with the norm and the signs of an honest client.

    Over benign clients, p is the median share of positive numbers among those they
    uploaded, and N the median norm of all that they uploaded. For all m' items that
    received a row, all n~ malicious clients send ``-s_j / (k_j + n~)``, with s_j the
    sum of item j's k_j benign rows, after two changes: of the ``m' d`` numbers the
    ``p m' d`` largest become positive, the others negative, those of the wrong sign
    next to 0; and all is multiplied so that its norm is ``strength`` times N. Of all
    uploads of one norm these rows, before the first change, cost benign clients most
    where the server takes means: ``sum over j of <s_j, n~ r_j / (k_j + n~)>`` is least.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [-9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.sign_guard_aware(), benign)
    Array([[[5.]]], dtype=float32)

    ``sign_guard`` allows three times the median norm, and does not ask for how many
    items it is. Knows this round's benign rows, and which client sent them.

    Source: this project, against Xu et al., ICDCS 2022.

    Args:
        strength: how many times N the norm is.
    """

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        honest = usual(benign, view.benign_clients)
        sent = row_counts(benign) > 0
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        received = jnp.maximum(row_counts(benign) + acting, 1)
        opposite = with_signs(
            -item_sums(benign) / received[:, None], sent, honest.positive
        )
        rows = jnp.where(sent[:, None], opposite, 0.0)
        whole = row_norm(rows.reshape(-1))
        wanted = jnp.asarray(strength) * honest.norm
        rows = wanted * share_of(rows, whole)
        return same_rows(rows, view, sent), state

    return OmniscientAttack(draws_nothing, upload)
