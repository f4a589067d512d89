"""What items are scored against: each client's view of its own graph."""

import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.layout import ClientGroup
from jaxfr.clients.neighbours import all_users, neighbours_of_client
from jaxfr.models.base import Represent, Weights
from jaxfr.models.bpr import graph_nodes
from jaxfr.sampling import PADDING_ITEM


def represent_clients(
    represent: Represent,
    weights: Weights,
    users: Array,
    item_embeddings: Array,
    groups: tuple[ClientGroup, ...],
    neighbours: Array,
) -> Array:
    """All clients' representations.

    Args:
        represent: that of the model.
        weights: its shared weights.
        users: the clients' embeddings, float32 ``[n, d]``.
        item_embeddings: float32 ``[m, d]``.
        groups: the clients.
        neighbours: of each training pair, int32 ``[pairs, neighbours]``.

    Returns:
        float32 ``[n, r]``.
    """
    everybody = all_users(users, neighbours)

    def one_client(user: Array, pair: Array, positives: Array) -> Array:
        held = positives != PADDING_ITEM
        items = item_embeddings[jnp.where(held, positives, 0)]
        items = jnp.where(held[:, None], items, 0.0)
        nodes = graph_nodes(
            items, held, neighbours_of_client(everybody, neighbours, pair, held)
        )
        return represent(weights, user, *nodes)

    client, found = [], []
    for group in groups:
        nodes = group.positives.shape[1] * (1 + neighbours.shape[1])
        block = members_per_block(nodes * item_embeddings.shape[1])
        user = users.at[group.client].get(mode="clip")
        of_group = user, group.pair, group.positives
        client.append(group.client)
        found.append(map_in_blocks(one_client, block, *of_group))
    rows = jnp.concatenate(found)
    result = jnp.zeros((users.shape[0], rows.shape[1]), rows.dtype)
    return result.at[jnp.concatenate(client)].set(rows, mode="drop")
