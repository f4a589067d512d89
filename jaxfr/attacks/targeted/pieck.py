"""PIECK: promotion by what popular items betray, pieck_ipe and pieck_uea."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.targeted.pull import (
    Strength,
    poisons_targets,
    pull,
    send_to_targets,
)
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import COUNT_FROM_1, Range
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads

MinedItems = Annotated[int, Range(1, 1000, whole=True)]
MiningRounds = Annotated[Whole, COUNT_FROM_1]


class Mined(NamedTuple):
    """What the colluding clients remember.

    Attributes:
        targets: items to promote.
        last_items: the table of the round before.
        changed: how far each item moved in the rounds of mining, summed up.
        rounds: how many rounds they have seen.
    """

    targets: Int[Array, " targets"]
    last_items: Float[Array, "m d"]
    changed: Float[Array, " m"]
    rounds: Int[Array, ""]


@part
def pieck_ipe(
    mined_items: MinedItems = 10,
    mining_rounds: MiningRounds = 2,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Turns targets into the direction of popular items.

    Items that move farthest in the first rounds are popular: malicious clients watch
    ``mining_rounds`` changes of the table, and take the ``mined_items`` whose lengths
    add up to the most, targets left out. Until then they send zeros; from then on each
    sends each target t the derivative of ``-(1/N) sum over them of cos(v_t, v_k)``,
    times ``strength``.

    >>> benign = fr.uploads_of([[[1.0]], [[2.0]]])  # 2 items, of which one is a target
    >>> attack = fr.attacks.pieck_ipe(mined_items=1)
    >>> fr.attacks.malicious_rows(attack, benign).shape  # it watches first
    (2, 1, 1)

    Knows the item table.

    Source: Zhang et al., "Preventing the popular item embedding based attack in
    federated recommendations", ICDE 2024 (PIECK-IPE); without its weights by rank and
    its two kinds of popular items.

    Args:
        mined_items: how many popular items N, or all others where there are fewer.
        mining_rounds: how many changes are watched.
        strength: how many times the derivative.
    """

    def similarity(target: Array, popular: Array) -> Array:
        lengths = jnp.linalg.norm(popular, axis=1) * jnp.linalg.norm(target)
        return jnp.mean(popular @ target / jnp.maximum(lengths, SMALLEST))

    def row(target: Array, popular: Array) -> Array:
        # Of a target that is 0 the norm has no derivative, and it points nowhere.
        somewhere = jnp.where(jnp.any(target != 0), target, 1.0)
        return -jax.grad(similarity)(somewhere, popular)

    return _after_mining(row, mined_items, mining_rounds, strength)


@part
def pieck_uea(
    mined_items: MinedItems = 10,
    mining_rounds: MiningRounds = 2,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Takes popular items' embeddings for those of users who want the targets.

    Popular items are mined as in ``pieck_ipe``; then each malicious client sends each
    target t the derivative of ``-(1/N) sum over them of ln sigma(v_k . v_t)``, times
    ``strength``.

    >>> benign = fr.uploads_of([[[1.0]], [[2.0]]])  # 2 items, of which one is a target
    >>> attack = fr.attacks.pieck_uea(mined_items=1)
    >>> fr.attacks.malicious_rows(attack, benign).shape  # it watches first
    (2, 1, 1)

    Knows the item table.

    Source: Zhang et al., ICDE 2024 (PIECK-UEA).

    Args:
        mined_items: how many popular items N, or all others where there are fewer.
        mining_rounds: how many changes are watched.
        strength: how many times the derivative.
    """

    def row(target: Array, popular: Array) -> Array:
        return pull(popular, target)

    return _after_mining(row, mined_items, mining_rounds, strength)


SMALLEST = 1e-30
"""Of a product of lengths: its inverse is finite."""


def _after_mining(
    row: Callable[[Array, Array], Array],
    mined_items: int,
    mining_rounds: Whole,
    strength: Number,
) -> LimitedAttack:
    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del key
        items = knowledge.item_popularity.size
        last = jnp.zeros((items, knowledge.embedding_dim))
        return Mined(knowledge.targets, last, jnp.zeros(items), jnp.int32(0))

    def upload(state: Mined, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        moved = jnp.linalg.norm(table - state.last_items, axis=1)
        mining = (state.rounds > 0) & (state.rounds <= mining_rounds)
        changed = state.changed + jnp.where(mining, moved, 0.0)
        others = changed.at[state.targets].set(-1.0)
        number = min(mined_items, table.shape[0])
        popular = table[jax.lax.top_k(others, number)[1]]
        rows = jax.vmap(lambda target: row(target, popular))(table[state.targets])
        size = jnp.where(state.rounds >= mining_rounds, jnp.asarray(strength), 0.0)
        sent = send_to_targets(size * rows, state.targets, view)
        return sent, Mined(state.targets, table, changed, state.rounds + 1)

    return LimitedAttack(init, upload, poisons_targets, promotes_targets=True)
