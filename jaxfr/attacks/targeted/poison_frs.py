"""PoisonFRS: fake users who drag targets to where popular items lie, and beyond."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.rows import same_rows
from jaxfr.attacks.targeted.pull import Strength, are_targets
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import AMOUNT, COUNT, Range
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.norms import row_norm


class Aim(NamedTuple):
    """What the fake users remember.

    Attributes:
        targets: items to promote.
        table: the table that they want.
        chosen: whether they have decided on it.
    """

    targets: Int[Array, " targets"]
    table: Float[Array, "m d"]
    chosen: Bool[Array, ""]


@part
def poison_frs(
    scale: Annotated[Number, AMOUNT] = 10.0,
    popular_items: Annotated[int, Range(1, 1000, whole=True)] = 5,
    start_round: Annotated[Whole, COUNT] = 50,
    rows: Annotated[int, Range(1, 100_000, whole=True)] = 60,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Drags targets to a multiple of the mean of popular items.

    Up to ``start_round`` malicious clients send nothing. Then they decide on a table W:
    that of this round, but each target at ``scale`` times the mean of the
    ``popular_items`` items with the least product ``v_j . mean(V)``. As most items are
    unpopular, so is their mean, and popular items lie opposite. From then on each
    sends, for the targets, ``strength (v_t - w_t) / eta``, with which a server that
    averages their rows alone would arrive in one round; and for those of the other
    items that are farthest from W, ``rows`` in all with the targets, ``(v_j - w_j) /
    eta``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.poison_frs(start_round=0)
    >>> fr.attacks.malicious_rows(attack, benign).shape
    (1, 1, 1)

    Knows the item table, and the learning rate.

    Source: Yin et al., "Poisoning federated recommender systems with fake users", WWW
    2024, and its released code, where clients send changes of the table instead of
    derivatives, whence eta, and the server averages. Left out: a search for ``scale``,
    and noise of norm ``sqrt(d)`` in each row.

    Args:
        scale: how many times the mean of popular items.
        popular_items: how many they are.
        start_round: the first round in which they send.
        rows: how many items a malicious client sends rows for.
        strength: of the pull at targets.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del key
        shape = knowledge.item_popularity.size, knowledge.embedding_dim
        return Aim(knowledge.targets, jnp.zeros(shape), jnp.zeros((), bool))

    def upload(state: Aim, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        base = jnp.asarray(scale) * popular_mean(table, popular_items)
        aim = jnp.where(
            state.chosen, state.table, table.at[state.targets].set(base[None])
        )
        wanted = are_targets(state.targets, table.shape[0])
        apart = table - aim
        others = max(rows - state.targets.size, 0)
        items = wanted | farthest(jnp.where(wanted, 0.0, row_norm(apart)), others)
        size = jnp.where(wanted, jnp.asarray(strength), 1.0) / view.task.learning_rate
        begun = view.round >= start_round
        sent = same_rows(size[:, None] * apart, view, items & begun)
        return sent, Aim(state.targets, aim, begun)

    return LimitedAttack(init, upload, promotes_targets=True)


def popular_mean(table: Float[Array, "m d"], count: int) -> Float[Array, " d"]:
    """The mean of the items that lie opposite to the mean of all."""
    against = -table @ jnp.mean(table, axis=0)
    popular = jax.lax.top_k(against, min(count, table.shape[0]))[1]
    return jnp.mean(table[popular], axis=0)


def farthest(distance: Float[Array, " m"], count: int) -> Bool[Array, " m"]:
    """So many items of the largest distance, but none of distance 0."""
    found, items = jax.lax.top_k(distance, min(count, distance.size))
    return jnp.zeros(distance.size, bool).at[items].set(found > 0)
