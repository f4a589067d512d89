"""Colluders who differ from each other as much as honest clients do."""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.stages.sketches import client_sketches, unit_vectors
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.recommendation.spattack import opposite_of_sum
from jaxfr.attacks.rows import of_length, own_rows, send_own_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import Range
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads, item_sums, row_counts
from jaxfr.uploads.norms import row_norm

# Of the sketches by which clients are compared: cosines are right to 0.02.
COLUMNS = 64
# Colluders do not differ more than this, which takes noise of ten times the rest.
LEAST_COSINE = 0.01


@part
def decorrelated(
    quantile: Annotated[Number, Range(0, 1)] = 0.5,
) -> OmniscientAttack:
    """Cancels the benign sums, with noise for each copy, so that copies look unlike.

    Each of the n~ malicious clients sends, for every item that received a row,

        ``r_ij = -s_j / n~ + sqrt(1 / c - 1) |s_j / n~| z_ij``,

    with s_j the sum of item j's benign rows and z_ij of length 1 in a direction that
    client i has drawn for item j before round 0. The uploads of two of them have a
    cosine of c, about, which is a quantile of that of two benign clients this round
    (0.01 at least), while of their mean the noise is only ``n~^(-1/2)``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.decorrelated(), benign)  # alike: no noise
    Array([[[-12.]]], dtype=float32)

    ``fools_gold`` trusts clients who resemble nobody more than others do. To ``flame``
    they are unlike honest clients, too, and out of their cluster. Knows this round's
    benign rows, and which client sent them; benign clients are compared with those that
    come 1, 2, 4, ... after them.

    Source: this project. That noise of each sybil's own deceives FoolsGold is in Fung
    et al., "The limitations of federated learning in sybil settings", RAID 2020, who
    let pairs of them send opposite noise.

    Args:
        quantile: of the benign clients' cosines.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del knowledge
        return key

    def upload(
        state: Array, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        sketches = client_sketches(benign, COLUMNS, view.benign_clients)
        cosine = jnp.maximum(cosine_at(jnp.asarray(quantile), sketches), LEAST_COSINE)
        acting = jnp.sum(view.taking_part, dtype=jnp.int32)
        opposite = jax.vmap(opposite_of_sum, (0, None))(item_sums(benign), acting)
        noise = jnp.sqrt(1.0 / cosine - 1.0) * row_norm(opposite)
        # A direction of its own in each round would be lost in the sum over rounds.
        always = view._replace(round=jnp.int32(0))
        rows = own_rows(with_noise, state, always, opposite, noise)
        received = row_counts(benign) > 0
        return send_own_rows(rows, received[:, None], view), state

    return OmniscientAttack(init, upload, sends_own_rows=True)


def with_noise(
    key: Array, row: Float[Array, " d"], noise: Float[Array, ""]
) -> Float[Array, " d"]:
    """One client's row of one item, with noise of this length."""
    return row + of_length(jax.random.normal(key, row.shape), noise)


def cosine_at(quantile: Array, vectors: Float[Array, "clients k"]) -> Float[Array, ""]:
    """A quantile of the cosines of some pairs of clients; 1 where there is none.

    Each client is compared with those that come 1, 2, 4, ... after it.

    Args:
        quantile: in [0, 1].
        vectors: of the clients; 0 for one that is not compared.
    """
    number, units = vectors.shape[0], unit_vectors(vectors)
    there = jnp.any(units != 0.0, axis=1)
    cosines, known = [jnp.ones(1)], [jnp.zeros(1, bool)]
    away = 1
    while away < number:
        cosines.append(jnp.sum(units * jnp.roll(units, away, axis=0), axis=1))
        known.append(there & jnp.roll(there, away))
        away *= 2
    exists = jnp.concatenate(known)
    ascending = jnp.sort(jnp.where(exists, jnp.concatenate(cosines), jnp.inf))
    last = jnp.maximum(jnp.sum(exists) - 1, 0)
    found = ascending[jnp.round(quantile * last).astype(jnp.int32)]
    return jnp.clip(jnp.where(exists.any(), found, 1.0), -1.0, 1.0)
