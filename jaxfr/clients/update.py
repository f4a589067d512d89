"""One client's part of a round, and all clients' by ``vmap``."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.batch import Batch
from jaxfr.models.base import ClientGradient, Model
from jaxfr.uploads import Uploads


class ClientState(NamedTuple):
    """What a client keeps to itself.

    Attributes:
        embedding: its user embedding, float32 ``[d]``.
        optimizer: the state of its optimiser.
    """

    embedding: Array
    optimizer: optax.OptState


def client_update(
    model: Model,
    optimizer: optax.GradientTransformation,
    state: ClientState,
    batch: Batch,
    item_embeddings: Array,
    regularization: Array,
) -> tuple[ClientState, ClientGradient]:
    """One client's round: learns its embedding and derives its upload.

    Both from the embeddings that the round began with.

    Args:
        model: the recommender.
        optimizer: the client's optimiser.
        state: the client's own state.
        batch: its pairs.
        item_embeddings: the table that the server sent, float32 ``[m, d]``.
        regularization: the L2 coefficient lambda.

    Returns:
        The new state, and the gradient whose item part is uploaded.
    """
    # Zeros where there is no item: a table that overflowed must not reach a client
    # through its padding.
    items = jnp.where(batch.present[:, None], item_embeddings[batch.items], 0.0)
    gradient = model.gradient(state.embedding, items, batch, regularization)
    step, optimizer_state = optimizer.update(
        gradient.user, state.optimizer, state.embedding
    )
    embedding = optax.apply_updates(state.embedding, step)
    return ClientState(jnp.asarray(embedding), optimizer_state), gradient


def update_clients(
    model: Model,
    optimizer: optax.GradientTransformation,
    states: tuple[ClientState, ...],
    batches: tuple[Batch, ...],
    taking_part: tuple[Array, ...],
    item_embeddings: Array,
    regularization: Array,
) -> tuple[tuple[ClientState, ...], Uploads]:
    """All clients' rounds: ``vmap`` over each group of like activity, in blocks.

    Args:
        model: the recommender.
        optimizer: the clients' optimiser.
        states: for each group, leading axis ``[clients]``.
        batches: for each group, leading axis ``[clients]``.
        taking_part: for each group, bool ``[clients]``; the others keep their state
            and upload nothing.
        item_embeddings: float32 ``[m, d]``.
        regularization: scalar.

    Returns:
        The new states, and the uploads without groups.
    """

    def one_client(
        state: ClientState, batch: Batch
    ) -> tuple[ClientState, ClientGradient]:
        return client_update(
            model, optimizer, state, batch, item_embeddings, regularization
        )

    new_states, parts, num_vectors = [], [], 0
    for state, batch, present in zip(states, batches, taking_part, strict=True):
        block = members_per_block(batch.items.shape[1] * item_embeddings.shape[1])
        updated, gradient = map_in_blocks(one_client, block, state, batch)
        new_states.append(_where(present, updated, state))
        parts.append(_flatten(gradient, batch, present, num_vectors))
        num_vectors += parts[-1][-1].shape[0]
    item, weight, vector, scale, item_scale, vectors = (
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
        participants=jnp.sum(jnp.concatenate(taking_part), dtype=jnp.int32),
    )
    return tuple(new_states), uploads


def _where(present: Array, updated: ClientState, state: ClientState) -> ClientState:
    def choose(new: Array, old: Array) -> Array:
        return jnp.where(present.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, updated, state)


def _flatten(
    gradient: ClientGradient, batch: Batch, present: Array, first_vector: int
) -> tuple[Array, ...]:
    """The upload fields of one group, clients one after the other."""
    clients, per_client, dim = gradient.vectors.shape
    first = first_vector + per_client * jnp.arange(clients, dtype=jnp.int32)
    sent = batch.present & present[:, None]
    return (
        batch.items.reshape(-1),
        sent.astype(jnp.int32).reshape(-1),
        (gradient.vector + first[:, None]).reshape(-1),
        gradient.scale.reshape(-1),
        gradient.item_scale.reshape(-1),
        gradient.vectors.reshape(clients * per_client, dim),
    )
