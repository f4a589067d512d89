"""How well a server's stages told malicious clients from benign ones.

The server knows nothing of this: it is found from outside, from the trust that its
stages left.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.aggregators import Aggregate
from jaxfr.blocks import sum_by_index
from jaxfr.devices import sum_over_devices
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.showing import by_shapes

FIELDS = (
    *("trust_precision", "trust_recall", "benign_distrust"),
    *(f"malicious_weight_{name}" for name in GROUP_NAMES),
)
"""Fields of records of runs whose stages see clients."""

REPORTED = "reported_"
"""How the fields begin of what stages and rules report themselves."""


@by_shapes
class Judgement(NamedTuple):
    """What one round's trust came to, to be summed over rounds.

    Attributes:
        distrusted_benign: sum of 1 - trust over benign clients that took part, float32.
        distrusted_malicious: the same over malicious clients that acted, float32.
        benign: how many benign clients took part, int32.
        malicious: how many malicious clients acted, int32.
        weight: what rows weigh, by their item's popularity third, in clients, float32
            ``[3]``.
        malicious_weight: what malicious rows weigh of it, float32 ``[3]``.
    """

    distrusted_benign: Array
    distrusted_malicious: Array
    benign: Array
    malicious: Array
    weight: Array
    malicious_weight: Array


def no_judgement() -> Judgement:
    """That of no round."""
    number, count, thirds = jnp.float32(0), jnp.int32(0), jnp.zeros(len(GROUP_NAMES))
    return Judgement(number, number, count, count, thirds, thirds)


def judge(
    found: Aggregate,
    benign_trust: Array,
    malicious_trust: Array,
    benign_part: Array,
    malicious_part: Array,
    item_third: Array,
) -> Judgement:
    """Judges a round.

    Args:
        found: what the server made of it.
        benign_trust: in each of this device's benign clients, float32 ``[n]``.
        malicious_trust: in each malicious client, float32 ``[malicious_clients]``.
        benign_part: whether it took part, bool ``[n]``.
        malicious_part: whether it acted, bool ``[malicious_clients]``.
        item_third: index into ``GROUP_NAMES`` of each item, int32 ``[m]``.
    """

    def by_third(weight: Array) -> Array:
        of_items = weight.astype(jnp.float32) / found.client_weight
        return sum_by_index(of_items, item_third, len(GROUP_NAMES))

    return Judgement(
        sum_over_devices(jnp.sum(jnp.where(benign_part, 1.0 - benign_trust, 0.0))),
        jnp.sum(jnp.where(malicious_part, 1.0 - malicious_trust, 0.0)),
        sum_over_devices(jnp.sum(benign_part, dtype=jnp.int32)),
        jnp.sum(malicious_part, dtype=jnp.int32),
        by_third(found.weight),
        by_third(found.weight_of_tables),
    )


def as_fields(judged: Judgement) -> dict[str, Any]:
    """The record's fields of a run, from the judgements of its rounds.

    ``trust_precision`` is the malicious share of all distrust, ``trust_recall`` the
    mean distrust of malicious clients that acted, ``benign_distrust`` that of benign
    ones that took part, and ``malicious_weight_head`` and so on the share of malicious
    rows in what rows of such items weigh; None where nobody is.

    Args:
        judged: with a leading axis ``[rounds]``.
    """
    total = Judgement(*(np.asarray(leaf, np.float64).sum(0) for leaf in judged))
    all_distrust = total.distrusted_benign + total.distrusted_malicious
    shares = (
        (total.distrusted_malicious, all_distrust),
        (total.distrusted_malicious, total.malicious),
        (total.distrusted_benign, total.benign),
        *zip(total.malicious_weight, total.weight, strict=True),
    )
    return {
        name: float(part / whole) if whole > 0 else None
        for name, (part, whole) in zip(FIELDS, shares, strict=True)
    }
