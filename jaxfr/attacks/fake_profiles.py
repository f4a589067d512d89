"""Fake profiles: what a malicious client holds that pretends to be a user."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import Knowledge
from jaxfr.attacks.capability import draw_by_popularity
from jaxfr.attacks.pair_gradients import ItemPairs


class FakeProfile(NamedTuple):
    """A malicious client's interactions, and the embedding that it trains.

    Attributes:
        holds: whether the item is in the profile, bool ``[m]``.
        negative: the item that a profile's item is paired with, int32 ``[m]``; 0 for
            items outside the profile.
        embedding: the client's user embedding, float32 ``[d]``.
    """

    holds: Array
    negative: Array
    embedding: Array


def draw_fake_profiles(key: Array, knowledge: Knowledge) -> FakeProfile:
    """Draws the profiles of all malicious clients, each from a key of its own.

    Returns:
        The profiles, leading axis ``[malicious_clients]``.
    """

    def one_client(client: Array) -> FakeProfile:
        return draw_fake_profile(jax.random.fold_in(key, client), knowledge)

    return jax.lax.map(one_client, jnp.arange(knowledge.malicious_clients))


def draw_fake_profile(key: Array, knowledge: Knowledge) -> FakeProfile:
    """Draws one client's profile.

    It has as many items as some benign user has training items, drawn by popularity
    without replacement; fewer only where fewer items ever occur. The embedding starts
    as any user's does.
    """
    key_user, key_items, key_negatives, key_embedding = jax.random.split(key, 4)
    activity = jax.random.choice(key_user, knowledge.client_activity)
    holds = draw_by_popularity(key_items, knowledge.item_popularity, activity)
    draw = knowledge.task.model.init_embeddings
    embedding = draw(key_embedding, 1, knowledge.embedding_dim)[0]
    return FakeProfile(holds, draw_negatives_outside(key_negatives, holds), embedding)


def draw_negatives_outside(key: Array, holds: Array) -> Array:
    """Draws a negative for each item held, uniformly from those not held.

    Args:
        key: random key.
        holds: the items held, at least one of all missing, bool ``[m]``.

    Returns:
        int32 ``[m]``, 0 for items that are not held.
    """
    outside = jnp.argsort(holds, stable=True)  # the items that are not held come first
    rank = jax.random.randint(key, holds.shape, 0, jnp.sum(~holds))
    return jnp.where(holds, outside[rank], 0).astype(jnp.int32)


def profile_pairs(profile: FakeProfile) -> ItemPairs:
    """The pairs of one client's profile, one for every item that it holds."""
    every_item = jnp.arange(profile.holds.size, dtype=jnp.int32)
    return ItemPairs(every_item, profile.negative, profile.holds)
