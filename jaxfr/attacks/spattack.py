"""Spattack: four attacks on sparse aggregation, along knowledge and capability.

Source: Zhang et al., "Rethinking Byzantine Robustness in Federated Recommendation from
Sparse Aggregation Perspective", AAAI 2025, arXiv 2501.03301.

Colluding clients upload the same row for an item, so one weighted row per item says
all.
"""

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
from jaxfr.attacks.capability import (
    Capability,
    all_items,
    poisoning_clients,
    popular_items,
)
from jaxfr.parts import Number, Whole, part
from jaxfr.ranges import AMOUNT, COUNT
from jaxfr.uploads import Uploads, item_sums, item_table

Scale = Annotated[Number, AMOUNT]
MostItems = Annotated[Whole, COUNT]


class SpattackState(NamedTuple):
    """What the colluding clients agreed on before round 0.

    Attributes:
        chosen: who poisons which item, see ``Capability.choose``.
        noise: the noise matrix Z, float32 ``[m, d]``; None for an omniscient attack.
    """

    chosen: Array
    noise: Array | None


def opposite_of_sum(benign_sum: Array, poisoning: Array) -> Array:
    """One item's malicious row, ``-s_j / (malicious clients that poison j)``.

    Sent by all of them, it cancels the benign sum: the mean becomes zero.

    Args:
        benign_sum: sum s_j of the item's benign rows, float32 ``[d]``.
        poisoning: how many malicious clients poison the item, int32 scalar.
    """
    return -benign_sum / jnp.maximum(poisoning, 1)


def spattack_o(capability: Capability) -> OmniscientAttack:
    """O: uploads the opposite of what the benign clients upload."""

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return SpattackState(capability.choose(key, knowledge), noise=None)

    def upload(
        state: SpattackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        poisoning = poisoning_clients(state.chosen, view.taking_part)
        rows = jax.vmap(opposite_of_sum)(item_sums(benign), poisoning)
        return _one_row_per_item(rows, poisoning, state.chosen, view), state

    return OmniscientAttack(init, upload, _poisoned_items, _uploaded_noise)


def spattack_l(capability: Capability, noise_scale: Array | float) -> LimitedAttack:
    """L: uploads one noise matrix Z ~ N(0, sigma^2), the same in all rounds."""

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_items, key_noise = jax.random.split(key)
        noise = knowledge.noise
        if noise is None:
            shape = knowledge.item_popularity.size, knowledge.embedding_dim
            noise = noise_scale * jax.random.normal(key_noise, shape)
        return SpattackState(capability.choose(key_items, knowledge), noise)

    def upload(state: SpattackState, view: RoundView) -> tuple[Uploads, AttackState]:
        poisoning = poisoning_clients(state.chosen, view.taking_part)
        assert state.noise is not None
        return _one_row_per_item(state.noise, poisoning, state.chosen, view), state

    return LimitedAttack(init, upload, _poisoned_items, _uploaded_noise)


@part
def spattack_o_d() -> OmniscientAttack:
    """Omniscient, all items: Spattack-O-D."""
    return spattack_o(all_items())


@part
def spattack_o_s(max_poisoned_items: MostItems = 0) -> OmniscientAttack:
    """Omniscient, some items per client, the popular ones first: Spattack-O-S.

    Args:
        max_poisoned_items: items that each malicious client poisons; 0: the largest
            number of distinct items that a benign client uploads.
    """
    return spattack_o(popular_items(max_poisoned_items))


@part
def spattack_l_d(noise_scale: Scale = 1.0) -> LimitedAttack:
    """Limited knowledge, all items: Spattack-L-D.

    Args:
        noise_scale: standard deviation sigma of the noise.
    """
    return spattack_l(all_items(), noise_scale)


@part
def spattack_l_s(
    noise_scale: Scale = 1.0, max_poisoned_items: MostItems = 0
) -> LimitedAttack:
    """Limited knowledge, some items per client, the popular ones first: Spattack-L-S.

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
