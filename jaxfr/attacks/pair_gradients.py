"""Gradients of a malicious client's pairs, item by item, and their upload.

All that is known of the recommender is ``Model.pair_gradients``: a pair's loss depends
on its two items by their scores, so one number for each item sums all pairs up.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import RoundView
from jaxfr.attacks.own_rows import each_its_own_row
from jaxfr.attacks.scope import Scope
from jaxfr.models import Model
from jaxfr.uploads import Uploads, item_table

NEEDS = ("pair_gradients",)
"""Of an attack by these gradients: what the model must have."""


class ItemPairs(NamedTuple):
    """Pairs of items of one client.

    Attributes:
        positive: int32 ``[pairs]``.
        negative: int32 ``[pairs]``.
        present: whether the pair exists, bool ``[pairs]``.
    """

    positive: Array
    negative: Array
    present: Array


class PairsGradient(NamedTuple):
    """Derivative of one client's loss over its pairs, regulariser left out.

    Attributes:
        user: by the user embedding, float32 ``[d]``.
        slope: by each item's score, float32 ``[m]``.
        in_pairs: whether the item is in some pair, bool ``[m]``.
    """

    user: Array
    slope: Array
    in_pairs: Array


def swap(pairs: ItemPairs) -> ItemPairs:
    """The same pairs, each with positive and negative swapped."""
    return ItemPairs(pairs.negative, pairs.positive, pairs.present)


def gradient_of_pairs(
    model: Model, user: Array, items: Array, pairs: ItemPairs
) -> PairsGradient:
    """Differentiates one client's loss; an item sums up all pairs that it is in.

    Args:
        model: one that gives its gradient pair by pair.
        user: the client's embedding, float32 ``[d]``.
        items: item embeddings, float32 ``[m, d]``.
        pairs: the client's pairs.
    """
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
    slope: Array, in_pairs: Array, user: Array, item: Array, regularization: Array
) -> Array:
    """Derivative by one item's embedding, ``slope u + lambda v`` for one in a pair.

    Args:
        slope: by the item's score, 0 for an item in no pair, scalar.
        in_pairs: whether the item is in some pair, bool scalar.
        user: the client's embedding u, float32 ``[d]``.
        item: the item's embedding v, float32 ``[d]``.
        regularization: the L2 coefficient lambda.

    Returns:
        float32 ``[d]``.
    """
    return slope * user + jnp.where(in_pairs, regularization, 0.0) * item


def upload_gradients(
    gradients: PairsGradient, users: Array, view: RoundView, scope: Scope
) -> Uploads:
    """The rows of all malicious clients that act.

    In the sparse scope a client uploads the items of its pairs, in the dense one every
    item, zeros outside of its pairs.

    Args:
        gradients: of all malicious clients, leading axis ``[malicious_clients]``.
        users: their embeddings, float32 ``[malicious_clients, d]``.
        view: what they see of the round.
        scope: of the attack.
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
    sent = jnp.broadcast_to(view.taking_part, in_pairs.shape)
    if scope == "sparse":
        sent &= in_pairs
    participants = jnp.sum(view.taking_part, dtype=jnp.int32)
    senders = each_its_own_row(view)
    return item_table(rows, sent.astype(jnp.int32), items, participants, senders)


def learn(users: Array, by_user: Array, view: RoundView) -> Array:
    """A step of gradient descent on the embeddings of the clients that act.

    Args:
        users: the embeddings, float32 ``[malicious_clients, d]``.
        by_user: derivatives of the pairs' losses by them, of the same shape.
        view: what they see of the round.
    """
    gradient = by_user + view.task.regularization * users
    moved = users - view.task.learning_rate * gradient
    return jnp.where(view.taking_part[:, None], moved, users)
