"""Carrying off the anchor of a defense that clips around what it did before."""

from typing import Annotated, NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.rows import of_length, same_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads, item_sums


class Drift(NamedTuple):
    """What they push, and what they saw.

    Attributes:
        direction: in which they push each item, of length 1; 0 as long as it has
            received nothing.
        last_items: the table of the round before.
        rounds: how many they have seen.
    """

    direction: Float[Array, "m d"]
    last_items: Float[Array, "m d"]
    rounds: Int[Array, ""]


@part
def anchor_drift(
    radius: Annotated[Number, POSITIVE] = 1.0,
) -> OmniscientAttack:
    """Pushes each item the same way in all rounds, just within reach of its anchor.

    With ``A'_j = (v_j before the last round - v_j) / eta`` what the server made of item
    j's rows in the last round, 0 in the first, all malicious clients send

        ``A'_j + tau d_j``,

    with tau the server's radius and ``d_j = -s_j / |s_j|``, in which s_j is the sum of
    the benign rows of the first round in which item j received any.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.anchor_drift(), benign)
    Array([[[-1.]]], dtype=float32)

    ``centred_clipping`` takes such rows for honest ones and, since its anchor has moved
    by the next round, moves it further. Knows this round's benign rows, the item table,
    and the learning rate of clients, which it takes for that of the server.

    Source: this project. That the reference of centred clipping can be followed, and
    pushed the same way in every round, is what Özfatura et al. use, "Byzantines can
    also learn from history", 2022 (arXiv 2208.09894), with pushes at right angles to
    the reference.

    Args:
        radius: the radius tau that the server clips to.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del key
        nothing = jnp.zeros((knowledge.item_popularity.size, knowledge.embedding_dim))
        return Drift(nothing, nothing, jnp.int32(0))

    def upload(
        state: Drift, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        items, pushed = view.item_embeddings, state.direction
        first = jnp.all(pushed == 0.0, axis=1, keepdims=True)
        pushed = jnp.where(first, of_length(-item_sums(benign), jnp.ones(())), pushed)
        change = (state.last_items - items) / view.task.learning_rate
        anchor = jnp.where(state.rounds > 0, change, 0.0)
        rows = anchor + jnp.asarray(radius) * pushed
        return same_rows(rows, view), Drift(pushed, items, state.rounds + 1)

    return OmniscientAttack(init, upload, needs_rows=False)
