"""Mimic: all malicious clients send what one benign client sends."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.general.opposite_mean import benign_mean
from jaxfr.attacks.rows import same_rows
from jaxfr.parts import Whole, part
from jaxfr.ranges import COUNT_FROM_1
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads, item_sums, row_counts
from jaxfr.uploads.clients import (
    map_rows,
    rows_by_client,
    scale_rows,
    sum_by_client,
)


class Watched(NamedTuple):
    """What was learnt of the benign clients.

    Attributes:
        direction: z, of length 1.
        along: the sum over rounds of how far each client's upload went along z.
        rounds: how many rounds are in it.
    """

    direction: Float[Array, "m d"]
    along: Float[Array, " n"]
    rounds: Int[Array, ""]


@part
def mimic(learning_rounds: Annotated[Whole, COUNT_FROM_1] = 10) -> OmniscientAttack:
    """All malicious clients copy the benign client that is most unlike the others.

    A client's upload x_i is the vector of its rows of all items, 0 for those that it
    sent nothing for. The direction z of most variance is learnt in the first rounds,
    from a drawn one: with ``a_i = <z, x_i - mean of x>``, each round turns z to
    ``z + sum_i a_i (x_i - mean) / |..|``, scaled to length 1. Copied is the client i of
    largest ``|sum of its a_i|`` so far; after ``learning_rounds`` rounds it stays the
    same, and where it takes no part, the next one of those who do is copied. All send
    its rows, for its items.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.mimic(), benign)
    Array([[[9.]]], dtype=float32)

    Nothing that it sends is out of the ordinary; but one client counts as many. Knows
    this round's benign rows and which client sent them.

    Source: Karimireddy et al., "Byzantine-robust learning on heterogeneous datasets via
    bucketing", ICLR 2022, who learn z in the first epoch.

    Args:
        learning_rounds: how many rounds decide whom they copy.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        shape = knowledge.item_popularity.size, knowledge.embedding_dim
        drawn = jax.random.normal(key, shape)
        nothing = jnp.zeros(knowledge.client_activity.size)
        return Watched(drawn / jnp.linalg.norm(drawn), nothing, jnp.int32(0))

    def upload(
        state: Watched, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        present = rows_by_client(benign, view.benign_clients) > 0
        watched = _watch(state, benign, present)
        learns = state.rounds < jnp.asarray(learning_rounds)
        state = jax.tree.map(
            lambda new, old: jnp.where(learns, new, old), watched, state
        )
        likely = jnp.where(present, jnp.abs(state.along), -1.0)
        chosen = _clients_of_rows(benign) == jnp.argmax(likely)
        own = benign._replace(weight=jnp.where(chosen, benign.weight, 0), tables=())
        return same_rows(benign_mean(own), view, row_counts(own) > 0), state

    return OmniscientAttack(init, upload)


def _watch(state: Watched, benign: Uploads, present: Array) -> Watched:
    """A step of power iteration on the covariance of the clients' uploads."""
    product = map_rows(
        lambda rows, z: jnp.sum(rows * z, axis=-1), benign, state.direction
    )
    along = sum_by_client(benign, product, present.size)
    number = jnp.maximum(jnp.sum(present), 1)
    along = jnp.where(present, along - jnp.sum(along) / number, 0.0)
    # As they add up to 0, the mean drops out of the sum.
    factors = (
        along[_clients_of_rows(benign)],
        tuple(jnp.zeros(table.weight.shape) for table in benign.tables),
    )
    image = item_sums(scale_rows(benign, factors))
    length = jnp.linalg.norm(image)
    turned = state.direction + image / jnp.where(length > 0.0, length, 1.0)
    direction = turned / jnp.linalg.norm(turned)
    return Watched(direction, state.along + along, state.rounds + 1)


def _clients_of_rows(benign: Uploads) -> Array:
    """Who sent each scattered row."""
    assert benign.client is not None
    return jnp.repeat(benign.client, benign.rows_per_bundle)
