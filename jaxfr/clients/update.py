"""The clients' part of a round: what each learns, and what it uploads.

For a model whose loss is a sum over pairs, all pairs are worked off in tiles of one
width (:func:`update_by_pairs`), with next to no padding. Any other model, private
uploads, and the plain form that tests compare with, take each client as a whole
(:func:`update_by_client`).
"""

from typing import NamedTuple

import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.blocks import add_rows, map_in_blocks, members_per_block, sum_by_index
from jaxfr.clients.graph import all_users, neighbours_of_client
from jaxfr.clients.negatives import TiledPairs
from jaxfr.clients.privacy import Privacy, protect
from jaxfr.clients.tensors import ClientGroup
from jaxfr.devices import sum_over_devices
from jaxfr.models.base import (
    ClientGradient,
    ClientView,
    Model,
    PairGradient,
    PairGradients,
    flatten,
    num_weights,
    unflatten,
)
from jaxfr.models.batch import Batch
from jaxfr.optimizers import learn_rows
from jaxfr.shapes import Bool, Float, Int
from jaxfr.showing import by_shapes
from jaxfr.uploads import Uploads, one_row_each


@by_shapes
class ClientState(NamedTuple):
    """What a client keeps to itself."""

    embedding: Float[Array, " d"]
    optimizer: optax.OptState


def update_by_pairs(
    pair_gradients: PairGradients,
    optimizer: optax.GradientTransformation,
    states: ClientState,
    pairs: TiledPairs,
    taking_part: Bool[Array, " n"],
    item_embeddings: Float[Array, "m d"],
    regularization: Array,
) -> tuple[ClientState, Uploads]:
    """All clients' rounds, a block of tiles at a time.

    Everybody starts from the embeddings that the round began with.

    Args:
        states: of all clients, leading axis ``[n]``.

    Returns:
        The new states, and the uploads without groups, their clients numbered within
        this device's.
    """
    users, dim = states.embedding, states.embedding.shape[1]
    tiles, width = pairs.present.shape

    def one_tile(
        client: Array, positive: Array, negative: Array, present: Array
    ) -> PairGradient:
        items = item_embeddings[positive], item_embeddings[negative]
        return pair_gradients(users[client], *items, present)

    gradient = map_in_blocks(
        one_tile,
        members_per_block(width * dim),
        pairs.client,
        pairs.positive,
        pairs.negative,
        pairs.present,
    )
    by_user = add_rows(jnp.zeros_like(users), pairs.client, gradient.user)
    gradients = by_user + regularization * users
    new_states = ClientState(*learn_rows(optimizer, *states, gradients, taking_part))
    # Where a negative was drawn twice, its row holds the sum.
    by_negative = sum_by_index(-gradient.slope, pairs.negative_row, tiles * width)
    scale = jnp.append(gradient.slope, by_negative.reshape(tiles, width), axis=1)
    sent = pairs.sent & taking_part[pairs.client][:, None]
    return new_states, Uploads(
        item=pairs.item.reshape(-1),
        weight=sent.astype(jnp.int32).reshape(-1),
        vector=pairs.client,
        scale=scale.reshape(-1),
        item_scale=jnp.asarray(regularization),
        vectors=users,
        item_embeddings=item_embeddings,
        participants=sum_over_devices(jnp.sum(taking_part, dtype=jnp.int32)),
        client=pairs.client,
    )


class WholeClients(NamedTuple):
    """All clients, each as a whole, in groups of like activity.

    Attributes:
        ids: each client's number among all.
        groups: who is in which group.
        batches: the pairs of each group, leading axis ``[clients]``.
        neighbours: of each training pair.
    """

    ids: Int[Array, " n"]
    groups: tuple[ClientGroup, ...]
    batches: tuple[Batch, ...]
    neighbours: Int[Array, "pairs neighbours"]


def update_by_client(
    model: Model,
    optimizer: optax.GradientTransformation,
    states: ClientState,
    clients: WholeClients,
    taking_part: Bool[Array, " n"],
    item_embeddings: Float[Array, "m d"],
    regularization: Array,
    weights: Float[Array, "1 w"] | None = None,
    privacy: Privacy | None = None,
) -> tuple[ClientState, Uploads, Uploads | None]:
    """The same, client by client: ``vmap`` over each group of like activity.

    Args:
        states: of all clients, leading axis ``[n]``.
        weights: the model's shared weights as one row; None for a model without.
        privacy: what clients do to their gradients; None for nothing.

    Returns:
        The new states, the uploads without groups, and those for the shared weights,
        one row of each client in the order of their ids; None without such weights.
    """
    shared = ()
    if weights is not None:
        shared = unflatten(model, weights[0], item_embeddings.shape[1])

    everybody = all_users(states.embedding, clients.neighbours)

    def one_client(
        client: Array, user: Array, pair: Array, batch: Batch
    ) -> tuple[ClientGradient, Array]:
        # Zeros where there is no item: a table that overflowed must not reach a
        # client through its padding.
        items = jnp.where(batch.present[:, None], item_embeddings[batch.items], 0.0)
        neighbours = neighbours_of_client(
            everybody, clients.neighbours, pair, batch.pair
        )
        view = ClientView(user, items, shared, neighbours)
        gradient = model.gradient(view, batch, regularization)
        if privacy is not None:
            gradient = protect(privacy, client, gradient, items, batch)
        return gradient._replace(weights=()), flatten(gradient.weights)

    by_user = jnp.zeros_like(states.embedding)
    by_weights = jnp.zeros((by_user.shape[0], num_weights(model, by_user.shape[1])))
    parts: list[tuple[Array, ...]] = []
    num_vectors = 0
    for group, batch in zip(clients.groups, clients.batches, strict=True):
        block = members_per_block(batch.items.shape[1] * item_embeddings.shape[1])
        ids, users, acts = (
            field.at[group.client].get(mode="clip")
            for field in (clients.ids, states.embedding, taking_part)
        )
        gradient, of_weights = map_in_blocks(
            one_client, block, ids, users, group.pair, batch
        )
        by_user = by_user.at[group.client].set(gradient.user, mode="drop")
        by_weights = by_weights.at[group.client].set(of_weights, mode="drop")
        part = _flatten(gradient, batch, group.client, acts, num_vectors)
        parts.append(part)
        num_vectors += part[-1].shape[0]
    item, weight, vector, client, scale, item_scale, vectors = (
        jnp.concatenate(field) for field in zip(*parts, strict=True)
    )
    uploads = Uploads(
        item=item,
        weight=weight,
        vector=vector,
        scale=scale,
        item_scale=item_scale,
        vectors=vectors,
        item_embeddings=item_embeddings,
        participants=sum_over_devices(jnp.sum(taking_part, dtype=jnp.int32)),
        client=client,
    )
    new_states = ClientState(*learn_rows(optimizer, *states, by_user, taking_part))
    if weights is None:
        return new_states, uploads, None
    return new_states, uploads, one_row_each(by_weights, taking_part, weights)


def _flatten(
    gradient: ClientGradient,
    batch: Batch,
    client: Array,
    present: Array,
    first_vector: int,
) -> tuple[Array, ...]:
    """The upload fields of one group, clients one after the other."""
    clients, per_client, dim = gradient.vectors.shape
    first = first_vector + per_client * jnp.arange(clients, dtype=jnp.int32)
    sent = batch.present & present[:, None]
    return (
        batch.items.reshape(-1),
        sent.astype(jnp.int32).reshape(-1),
        (gradient.vector + first[:, None]).reshape(-1),
        jnp.broadcast_to(client[:, None], batch.items.shape).reshape(-1),
        gradient.scale.reshape(-1),
        gradient.item_scale.reshape(-1),
        gradient.vectors.reshape(clients * per_client, dim),
    )
