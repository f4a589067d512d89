"""Capability: which items a malicious client may poison."""

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import Knowledge


class ChooseItems(Protocol):
    """Chooses, once, the items of every malicious client."""

    def __call__(self, key: Array, knowledge: Knowledge) -> Array:
        """Returns bool ``[malicious_clients, m]``, or ``[1, m]`` where all agree."""
        ...


class Capability(NamedTuple):
    """How far a malicious client's arm reaches.

    Attributes:
        choose: the items that each malicious client poisons.
    """

    choose: ChooseItems


def all_items() -> Capability:
    """D: every malicious client poisons all items."""

    def choose(key: Array, knowledge: Knowledge) -> Array:
        del key
        return jnp.ones((1, knowledge.item_popularity.size), bool)

    return Capability(choose)


def popular_items() -> Capability:
    """S: each draws ``max_poisoned_items`` items, the popular ones more likely.

    Without replacement, with probability proportional to popularity: the largest
    values of log popularity plus Gumbel noise are such a sample (Efraimidis and
    Spirakis, "Weighted random sampling with a reservoir", 2006; Yellott 1977). Items
    that never occur are never drawn, even where too few others are left.
    """

    def choose(key: Array, knowledge: Knowledge) -> Array:
        popularity = knowledge.item_popularity.astype(jnp.float32)

        def one_client(client: Array) -> Array:
            noise = jax.random.gumbel(jax.random.fold_in(key, client), popularity.shape)
            preference = jnp.where(
                popularity > 0, jnp.log(popularity) + noise, -jnp.inf
            )
            place = jnp.argsort(jnp.argsort(-preference))
            return (place < knowledge.max_poisoned_items) & (popularity > 0)

        return jax.lax.map(one_client, jnp.arange(knowledge.malicious_clients))

    return Capability(choose)


def poisoning_clients(chosen: Array, taking_part: Array) -> Array:
    """How many acting malicious clients poison each item, int32 ``[m]``.

    Args:
        chosen: from ``Capability.choose``.
        taking_part: bool ``[malicious_clients]``.
    """
    if chosen.shape[0] != taking_part.size:  # one row that stands for all
        return jnp.sum(taking_part, dtype=jnp.int32) * chosen[0]
    return jnp.sum(chosen & taking_part[:, None], axis=0, dtype=jnp.int32)
