"""PoisonedFL: one random direction for all rounds, as long as the model moves along."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.rows import same_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads

TEST_EVERY = 50
SHRINKS, LEAST_FACTOR = 0.7, 0.5
# The standard normal quantile of 0.99, for the binomial of so many coordinates.
SURE = 2.3263479


class Push(NamedTuple):
    """What the colluding clients remember.

    Attributes:
        sign: where they push, 1 or -1 in each coordinate.
        factor: how many times the last change they send.
        last_items: the table of the round before.
        last_sent: their row of each item then.
        tested_items: the table of the last test.
        rounds: how many they have seen.
    """

    sign: Float[Array, "m d"]
    factor: Float[Array, ""]
    last_items: Float[Array, "m d"]
    last_sent: Float[Array, "m d"]
    tested_items: Float[Array, "m d"]
    rounds: Int[Array, ""]


@part
def poisoned_fl(factor: Annotated[Number, POSITIVE] = 8.0) -> LimitedAttack:
    """Pushes the whole table in one random direction, round after round.

    Signs s are drawn once. With A the last round's change of the table as an aggregate,
    ``A = (V' - V) / eta``, and M what they sent in it, all malicious clients send every
    item its row of

        ``-c |A| (v / |v|) s,  v = abs(A - M |A| / |M|)``,

    products and abs by coordinate, norms those of the whole table: v is what honest
    clients changed, as far as the attackers can tell. Every 50 rounds they count the
    coordinates that have moved along s since the last time; unless these are more than
    a fair coin's with probability 0.99, c becomes 0.7 c, at least 0.5. In their first
    round they know of no change, and send zeros.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.poisoned_fl(), benign).shape
    (1, 1, 1)

    Knows the item table, the learning rate of clients, which it takes for that of the
    server, and what it sent itself.

    Source: Xie, Fang and Gong, "Model poisoning attacks to federated learning via
    multi-round consistency", CVPR 2025, with the numbers of its code; there clients
    send steps instead of gradients, hence the signs.

    Args:
        factor: c before the first test.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        shape = knowledge.item_popularity.size, knowledge.embedding_dim
        sign = jax.random.rademacher(key, shape, jnp.float32)
        nothing = jnp.zeros(shape)
        start = jnp.asarray(factor, jnp.float32)
        return Push(sign, start, nothing, nothing, nothing, jnp.int32(0))

    def upload(state: Push, view: RoundView) -> tuple[Uploads, AttackState]:
        items, known = view.item_embeddings, state.rounds > 0
        change = (state.last_items - items) / view.task.learning_rate
        due = known & (state.rounds % TEST_EVERY == 0)
        tested = _test(state, items)
        scale = jnp.where(due, tested, state.factor)
        rows = jnp.where(known, push(state.sign, scale, change, state.last_sent), 0.0)
        acts = jnp.any(view.taking_part)
        after = Push(
            state.sign,
            scale,
            items,
            jnp.where(acts, rows, 0.0),
            jnp.where(due | ~known, items, state.tested_items),
            state.rounds + 1,
        )
        return same_rows(rows, view), after

    return LimitedAttack(init, upload)


def push(
    sign: Float[Array, "m d"], factor: Array, change: Array, last_sent: Array
) -> Float[Array, "m d"]:
    """The row of each item, from the last change as an aggregate."""
    length = jnp.linalg.norm(change)
    own = last_sent / _or_1(jnp.linalg.norm(last_sent)) * length
    honest = jnp.abs(change - own)
    return -factor * length * honest / _or_1(jnp.linalg.norm(honest)) * sign


def _or_1(norm: Array) -> Array:
    return jnp.where(norm > 0.0, norm, 1.0)


def _test(state: Push, items: Array) -> Array:
    """The factor after a look at what has moved along the signs."""
    along = jnp.sum(jnp.sign(items - state.tested_items) == state.sign)
    needed = 0.5 * items.size + SURE * 0.5 * items.size**0.5
    smaller = SHRINKS * state.factor
    shrinks = (along <= needed) & (smaller >= LEAST_FACTOR)
    return jnp.where(shrinks, smaller, state.factor)
