"""Spattack: four attacks on sparse aggregation, along knowledge and capability.

Colluding clients upload the same row for an item, so one weighted row per item says
all.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import (
    AttackState,
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
)
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import AMOUNT, COUNT
from jaxfr.sampling import draw_by_popularity
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads, item_sums, item_table

ChooseItems = Callable[[Array, Knowledge], Array]
"""Chooses, once, the items that each malicious client poisons.

Returns bool ``[malicious_clients, m]``, or ``[1, m]`` where all agree.
"""


def all_items(key: Array, knowledge: Knowledge) -> Bool[Array, "1 m"]:
    """D: every malicious client poisons all items."""
    del key
    return jnp.ones((1, knowledge.item_popularity.size), bool)


def popular_items(max_poisoned_items: Array | int) -> ChooseItems:
    """S: each draws some items, the popular ones more likely.

    Args:
        max_poisoned_items: how many; 0 for as many as a benign client uploads at most.
    """

    def choose(key: Array, knowledge: Knowledge) -> Array:
        wanted = jnp.asarray(max_poisoned_items)
        count = jnp.where(wanted > 0, wanted, knowledge.most_uploaded)

        def one_client(client: Array) -> Array:
            own_key = jax.random.fold_in(key, client)
            return draw_by_popularity(own_key, knowledge.item_popularity, count)

        return jax.lax.map(one_client, jnp.arange(knowledge.malicious_clients))

    return choose


def poisoning_clients(
    chosen: Array, taking_part: Bool[Array, " malicious_clients"]
) -> Int[Array, " m"]:
    """How many acting malicious clients poison each item.

    Args:
        chosen: from ``ChooseItems``.
    """
    if chosen.shape[0] != taking_part.size:  # one row that stands for all
        return jnp.sum(taking_part, dtype=jnp.int32) * chosen[0]
    return jnp.sum(chosen & taking_part[:, None], axis=0, dtype=jnp.int32)


Scale = Annotated[Number, AMOUNT]
MostItems = Annotated[Whole, COUNT]


class SpattackState(NamedTuple):
    """What the colluding clients agreed on before round 0.

    Attributes:
        chosen: who poisons which item, see ``ChooseItems``.
        noise: the noise matrix Z; None for an omniscient attack.
    """

    chosen: Array
    noise: Float[Array, "m d"] | None


def opposite_of_sum(benign_sum: Float[Array, " d"], poisoning: Int[Array, ""]) -> Array:
    """One item's malicious row, ``-s_j / (malicious clients that poison j)``.

    Sent by all of them, it cancels the benign sum: the mean becomes zero.
    """
    return -benign_sum / jnp.maximum(poisoning, 1)


def spattack_o(choose: ChooseItems) -> OmniscientAttack:
    """O: uploads the opposite of what the benign clients upload."""

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return SpattackState(choose(key, knowledge), noise=None)

    def upload(
        state: SpattackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        poisoning = poisoning_clients(state.chosen, view.taking_part)
        rows = jax.vmap(opposite_of_sum)(item_sums(benign), poisoning)
        return _one_row_per_item(rows, poisoning, state.chosen, view), state

    seen = _poisoned_items, _uploaded_noise
    return OmniscientAttack(init, upload, *seen, needs_rows=False)


def spattack_l(choose: ChooseItems, noise_scale: Array | float) -> LimitedAttack:
    """L: uploads one noise matrix Z ~ N(0, sigma^2), the same in all rounds."""

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_items, key_noise = jax.random.split(key)
        noise = knowledge.noise
        if noise is None:
            shape = knowledge.item_popularity.size, knowledge.embedding_dim
            noise = noise_scale * jax.random.normal(key_noise, shape)
        return SpattackState(choose(key_items, knowledge), noise)

    def upload(state: SpattackState, view: RoundView) -> tuple[Uploads, AttackState]:
        poisoning = poisoning_clients(state.chosen, view.taking_part)
        assert state.noise is not None
        return _one_row_per_item(state.noise, poisoning, state.chosen, view), state

    return LimitedAttack(init, upload, _poisoned_items, _uploaded_noise)


@part
def spattack_o_d() -> OmniscientAttack:
    """Omniscient, all items: Spattack-O-D.

    With s_j the sum of item j's benign rows, each of the ``n~_j`` malicious clients
    that poison it uploads ``-s_j / n~_j``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.spattack_o_d()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2)
    Array([[[-6.]]], dtype=float32)

    Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation
    from Sparse Aggregation Perspective", AAAI 2025 (arXiv 2501.03301).
    """
    return spattack_o(all_items)


@part
def spattack_o_s(max_poisoned_items: MostItems = 0) -> OmniscientAttack:
    """Omniscient, some items per client, the popular ones first: Spattack-O-S.

    With s_j the sum of item j's benign rows, each of the ``n~_j`` malicious clients
    that poison it uploads ``-s_j / n~_j``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.spattack_o_s()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2)
    Array([[[-6.]]], dtype=float32)

    Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation
    from Sparse Aggregation Perspective", AAAI 2025 (arXiv 2501.03301).

    Args:
        max_poisoned_items: items that each malicious client poisons; 0: the largest
            number of distinct items that a benign client uploads.
    """
    return spattack_o(popular_items(max_poisoned_items))


@part
def spattack_l_d(noise_scale: Scale = 1.0) -> LimitedAttack:
    """Limited knowledge, all items: Spattack-L-D.

    All upload row j of one matrix ``Z ~ N(0, sigma^2)``, drawn before round 0.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.spattack_l_d(2.0)
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 1, 1)

    Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation
    from Sparse Aggregation Perspective", AAAI 2025 (arXiv 2501.03301).

    Args:
        noise_scale: standard deviation sigma of the noise.
    """
    return spattack_l(all_items, noise_scale)


@part
def spattack_l_s(
    noise_scale: Scale = 1.0, max_poisoned_items: MostItems = 0
) -> LimitedAttack:
    """Limited knowledge, some items per client, the popular ones first: Spattack-L-S.

    All upload row j of one matrix ``Z ~ N(0, sigma^2)``, drawn before round 0.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.spattack_l_s(2.0)
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 1, 1)

    Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation
    from Sparse Aggregation Perspective", AAAI 2025 (arXiv 2501.03301).

    Args:
        noise_scale: standard deviation sigma of the noise.
        max_poisoned_items: items that each malicious client poisons; 0: the largest
            number of distinct items that a benign client uploads.
    """
    return spattack_l(popular_items(max_poisoned_items), noise_scale)


def _one_row_per_item(
    rows: Array, poisoning: Array, chosen: Array, view: RoundView
) -> Uploads:
    return item_table(
        rows[:, None],
        poisoning[:, None],
        view.item_embeddings,
        participants=jnp.sum(view.taking_part, dtype=jnp.int32),
        senders=(chosen.T & view.taking_part)[:, None],
    )


def _poisoned_items(state: SpattackState, knowledge: Knowledge) -> Array:
    shape = knowledge.malicious_clients, knowledge.item_popularity.size
    return jnp.broadcast_to(state.chosen, shape)


def _uploaded_noise(state: SpattackState) -> Array | None:
    return state.noise
