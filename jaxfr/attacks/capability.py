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


def popular_items(max_poisoned_items: Array | int) -> Capability:
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

    return Capability(choose)


def draw_by_popularity(key: Array, item_popularity: Array, count: Array) -> Array:
    """Draws ``count`` items without replacement, in proportion to popularity.

    The largest values of log popularity plus Gumbel noise are such a sample (Efraimidis
    and Spirakis, "Weighted random sampling with a reservoir", 2006; Yellott 1977).
    Items that never occur are never drawn, even where too few others are left.

    Args:
        key: random key.
        item_popularity: interactions of each item, int32 ``[m]``.
        count: how many to draw, int32 scalar.

    Returns:
        Whether each item is drawn, bool ``[m]``.
    """
    popularity = item_popularity.astype(jnp.float32)
    noise = jax.random.gumbel(key, popularity.shape)
    preference = jnp.where(popularity > 0, jnp.log(popularity) + noise, -jnp.inf)
    place = jnp.argsort(jnp.argsort(-preference))
    return (place < count) & (popularity > 0)


def poisoning_clients(chosen: Array, taking_part: Array) -> Array:
    """How many acting malicious clients poison each item, int32 ``[m]``.

    Args:
        chosen: from ``Capability.choose``.
        taking_part: bool ``[malicious_clients]``.
    """
    if chosen.shape[0] != taking_part.size:  # one row that stands for all
        return jnp.sum(taking_part, dtype=jnp.int32) * chosen[0]
    return jnp.sum(chosen & taking_part[:, None], axis=0, dtype=jnp.int32)
