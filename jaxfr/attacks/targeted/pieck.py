"""PIECK: promotion by what popular items betray, pieck_ipe and pieck_uea."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.targeted.pull import (
    Strength,
    averaged_loss,
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
        unit: how long a row of strength 1 is, in derivatives.
        first_items: the first table that they saw.
        popular: items that they take for popular.
        rounds: how many rounds they have seen.
    """

    targets: Int[Array, " targets"]
    unit: Float[Array, ""]
    first_items: Float[Array, "m d"]
    popular: Int[Array, " mined"]
    rounds: Int[Array, ""]


@part
def pieck_ipe(
    mined_items: MinedItems = 10,
    mining_rounds: MiningRounds = 2,
    strength: Strength = 0.08,
) -> LimitedAttack:
    """Turns targets into the direction of popular items.

    Malicious clients watch the table for ``mining_rounds`` rounds. Of its change D they
    take the ``mined_items`` items that went most against the mean change, by ``-D_k .
    mean(D)``, targets left out: most items are hardly more than negatives. Until then
    they send zeros; from then on each sends each target t the derivative of ``-(1/N)
    sum over them of cos(v_t, v_k)``, times ``strength labels / (targets eta)``, where a
    benign client has so many positives and negatives on average and learns by eta.

    The cosine turns targets and does not lengthen them: they get as long as steps
    overshoot, by ``|v|^2`` in proportion to ``strength``, and must be about as long as
    popular items to be shown.

    >>> benign = fr.uploads_of([[[1.0]], [[2.0]]])  # 2 items, of which one is a target
    >>> attack = fr.attacks.pieck_ipe(mined_items=1)
    >>> fr.attacks.malicious_rows(attack, benign).shape  # it watches first
    (2, 1, 1)

    Knows the item table, the learning rate, and how many items clients have.

    Source: Zhang et al., "Preventing the popular item embedding based attack in
    federated recommendations", ICDE 2024 (PIECK-IPE); without its weights by rank and
    its two kinds of popular items. There the server sums, and what moves farthest is
    popular; where it averages, as here, those are cold (the ten that move farthest in
    two rounds of ML-100K lie beyond the 1,000 most popular of 1,682), and the direction
    of the change tells more (all ten among the first 500). There losses are means over
    labels, whence ``labels / targets``, and eta is 1, whence the division.

    Args:
        mined_items: how many popular items N, or all others where there are fewer.
        mining_rounds: how many rounds are watched.
        strength: 1 for a step as long as there.
    """

    def similarity(target: Array, popular: Array) -> Array:
        lengths = jnp.linalg.norm(popular, axis=1) * jnp.linalg.norm(target)
        return jnp.mean(popular @ target / jnp.maximum(lengths, SMALLEST))

    def row(target: Array, popular: Array, rate: Array | float) -> Array:
        # Of a target that is 0 the norm has no derivative, and it points nowhere.
        somewhere = jnp.where(jnp.any(target != 0), target, 1.0)
        return -jax.grad(similarity)(somewhere, popular) / rate

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
    ``strength labels / targets``.

    >>> benign = fr.uploads_of([[[1.0]], [[2.0]]])  # 2 items, of which one is a target
    >>> attack = fr.attacks.pieck_uea(mined_items=1)
    >>> fr.attacks.malicious_rows(attack, benign).shape  # it watches first
    (2, 1, 1)

    Knows the item table, and how many items clients have.

    Source: Zhang et al., ICDE 2024 (PIECK-UEA); mining and length of rows differ as in
    ``pieck_ipe``, but for eta.

    Args:
        mined_items: how many popular items N, or all others where there are fewer.
        mining_rounds: how many rounds are watched.
        strength: 1 for the proportion to benign rows that the source has.
    """

    def row(target: Array, popular: Array, rate: Array | float) -> Array:
        del rate
        return pull(popular, target)

    return _after_mining(row, mined_items, mining_rounds, strength)


SMALLEST = 1e-30
"""Of a product of lengths: its inverse is finite."""


def _after_mining(
    row: Callable[[Array, Array, Array | float], Array],
    mined_items: int,
    mining_rounds: Whole,
    strength: Number,
) -> LimitedAttack:
    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del key
        items = knowledge.item_popularity.size
        return Mined(
            targets=knowledge.targets,
            unit=averaged_loss(knowledge),
            first_items=jnp.zeros((items, knowledge.embedding_dim)),
            popular=jnp.zeros(min(mined_items, items), jnp.int32),
            rounds=jnp.int32(0),
        )

    def upload(state: Mined, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        first = jnp.where(state.rounds == 0, table, state.first_items)
        against = opposition(table - first).at[state.targets].set(-jnp.inf)
        found = jax.lax.top_k(against, state.popular.size)[1].astype(jnp.int32)
        popular = jnp.where(state.rounds <= mining_rounds, found, state.popular)
        rate = view.task.learning_rate
        rows = jax.vmap(lambda target: row(target, table[popular], rate))(
            table[state.targets]
        )
        size = jnp.where(state.rounds >= mining_rounds, jnp.asarray(strength), 0.0)
        sent = send_to_targets(size * state.unit * rows, state.targets, view)
        kept = state._replace(
            first_items=first, popular=popular, rounds=state.rounds + 1
        )
        return sent, kept

    return LimitedAttack(init, upload, poisons_targets, promotes_targets=True)


def opposition(changes: Float[Array, "m d"]) -> Float[Array, " m"]:
    """How far each item went the other way than items did on average."""
    return -changes @ jnp.mean(changes, axis=0)
