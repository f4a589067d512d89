"""Fake profiles: users that malicious clients invent, and the gradients they upload."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import Knowledge, RoundView
from jaxfr.attacks.rows import Scope, send_own_rows
from jaxfr.models import Model
from jaxfr.sampling import draw_by_popularity
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads

NEEDS = ("pair_gradients",)
"""Of an attack by these gradients: what the model must have."""


class ItemPairs(NamedTuple):
    """Pairs of items of one client.

    Attributes:
        present: whether the pair exists.
    """

    positive: Int[Array, " pairs"]
    negative: Int[Array, " pairs"]
    present: Bool[Array, " pairs"]


class PairsGradient(NamedTuple):
    """Derivative of one client's loss over its pairs, regulariser left out.

    Attributes:
        slope: by each item's score.
        in_pairs: whether the item is in some pair.
    """

    user: Float[Array, " d"]
    slope: Float[Array, " m"]
    in_pairs: Bool[Array, " m"]


def swap(pairs: ItemPairs) -> ItemPairs:
    """The same pairs, each with positive and negative swapped."""
    return ItemPairs(pairs.negative, pairs.positive, pairs.present)


def gradient_of_pairs(
    model: Model, user: Float[Array, " d"], items: Float[Array, "m d"], pairs: ItemPairs
) -> PairsGradient:
    """Differentiates one client's loss; an item sums up all pairs that it is in."""
    positive, negative, present = pairs
    assert model.pair_gradients is not None
    pair = model.pair_gradients(user, items[positive], items[negative], present)
    slope = jnp.zeros(items.shape[0]).at[positive].add(pair.slope)
    in_pairs = jnp.zeros(items.shape[0], bool).at[positive].max(present)
    return PairsGradient(
        user=pair.user,
        slope=slope.at[negative].add(-pair.slope),
        in_pairs=in_pairs.at[negative].max(present),
    )


def item_row(
    slope: Array,
    in_pairs: Bool[Array, ""],
    user: Float[Array, " d"],
    item: Float[Array, " d"],
    regularization: Array,
) -> Float[Array, " d"]:
    """Derivative by one item's embedding, ``slope u + lambda v`` for one in a pair.

    Args:
        slope: by the item's score, 0 for an item in no pair, scalar.
        in_pairs: whether the item is in some pair.
    """
    return slope * user + jnp.where(in_pairs, regularization, 0.0) * item


def upload_gradients(
    gradients: PairsGradient,
    users: Float[Array, "malicious_clients d"],
    view: RoundView,
    scope: Scope,
) -> Uploads:
    """The rows of all malicious clients that act.

    In the sparse scope a client uploads the items of its pairs, in the dense one every
    item, zeros outside of its pairs.

    Args:
        gradients: of all malicious clients, leading axis ``[malicious_clients]``.
    """
    items, in_pairs = view.item_embeddings, gradients.in_pairs.T
    regularization = jnp.asarray(view.task.regularization)

    def rows_of_item(slopes: Array, in_pairs: Array, item: Array) -> Array:
        def row_of_client(slope: Array, in_pairs: Array, user: Array) -> Array:
            return item_row(slope, in_pairs, user, item, regularization)

        return jax.vmap(row_of_client)(slopes, in_pairs, users)

    rows = jax.vmap(rows_of_item)(gradients.slope.T, in_pairs, items)
    # XLA's CPU compiler may build rows inside of their sum, twenty times as slowly.
    rows = jax.lax.optimization_barrier(rows)
    sends = in_pairs if scope == "sparse" else jnp.ones(in_pairs.shape, bool)
    return send_own_rows(rows, sends, view)


def learn(
    users: Float[Array, "malicious_clients d"], by_user: Array, view: RoundView
) -> Array:
    """A step of gradient descent on the embeddings of the clients that act.

    Args:
        by_user: derivatives of the pairs' losses by them, of the same shape.
    """
    gradient = by_user + view.task.regularization * users
    moved = users - view.task.learning_rate * gradient
    return jnp.where(view.taking_part[:, None], moved, users)


class FakeProfile(NamedTuple):
    """A malicious client's interactions, and the embedding that it trains.

    Attributes:
        holds: whether the item is in the profile.
        negative: the item that a profile's item is paired with; 0 for items outside the
            profile.
        embedding: the client's user embedding.
    """

    holds: Bool[Array, " m"]
    negative: Int[Array, " m"]
    embedding: Float[Array, " d"]


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


def draw_negatives_outside(key: Array, holds: Bool[Array, " m"]) -> Int[Array, " m"]:
    """Draws a negative for each item held, uniformly from those not held.

    Args:
        holds: the items held, at least one of all missing.

    Returns:
        0 for items that are not held.
    """
    outside = jnp.argsort(holds, stable=True)  # the items that are not held come first
    rank = jax.random.randint(key, holds.shape, 0, jnp.sum(~holds))
    return jnp.where(holds, outside[rank], 0).astype(jnp.int32)


def profile_pairs(profile: FakeProfile) -> ItemPairs:
    """The pairs of one client's profile, one for every item that it holds."""
    every_item = jnp.arange(profile.holds.size, dtype=jnp.int32)
    return ItemPairs(every_item, profile.negative, profile.holds)
