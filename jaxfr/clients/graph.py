"""The graph around each client: its items, and other users who hold them."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.tensors import ClientGroup
from jaxfr.data.dataset import Dataset
from jaxfr.devices import Own, as_int32, gather_over_devices
from jaxfr.models.base import Neighbours, Represent, Weights
from jaxfr.models.bpr import graph_nodes
from jaxfr.sampling import PADDING_ITEM, integers_at
from jaxfr.shapes import Bool, Float, Int

NO_NEIGHBOUR = -1


class HoldersOfPairs(NamedTuple):
    """Who holds the item of each training pair.

    Attributes:
        start: where its holders begin.
        degree: how many there are.
        place: where the pair's own user stands among them, from 0.
    """

    start: Int[Array, " pairs"]
    degree: Int[Array, " pairs"]
    place: Int[Array, " pairs"]


class Holders(NamedTuple):
    """Who holds each item.

    Attributes:
        user: the holders, item by item, int32 ``[all pairs]``.
        of_pairs: where those of each training pair stand.
    """

    user: Array
    of_pairs: Own[HoldersOfPairs]


def list_holders(
    dataset: Dataset, user_numbers: Int[np.ndarray, " n"] | None = None
) -> Holders:
    """Lists the holders of each item, on the host.

    Args:
        user_numbers: by which users are named; by default their ids.
    """
    if user_numbers is None:
        user_numbers = np.arange(dataset.num_users)
    items = dataset.train_items
    order = np.argsort(items, kind="stable")
    first = np.cumsum(dataset.item_degree) - dataset.item_degree
    position = np.empty(items.size, np.int64)
    position[order] = np.arange(items.size)
    return Holders(
        user=as_int32(user_numbers[dataset.train_users[order]]),
        of_pairs=HoldersOfPairs(
            start=as_int32(first[items]),
            degree=as_int32(dataset.item_degree[items]),
            place=as_int32(position - first[items]),
        ),
    )


def draw_neighbours(
    key: Array, pair_ids: Int[Array, " pairs"], holders: Holders, count: int
) -> Int[Array, "pairs count"]:
    """Draws, for each training pair, other users who hold its item.

    Uniform and with replacement.

    Args:
        count: neighbours of each pair, static.

    Returns:
        Users, ``NO_NEIGHBOUR`` where nobody else holds the item.
    """
    start, degree, own = (field[:, None] for field in holders.of_pairs)
    others = degree - 1
    number = pair_ids[:, None] * count + jnp.arange(count)
    drawn = integers_at(key, number, jnp.maximum(others, 1))
    drawn += drawn >= own  # passes over the user itself
    place = jnp.minimum(start + drawn, holders.user.size - 1)
    return jnp.where(others > 0, holders.user[place], NO_NEIGHBOUR)


def all_users(users: Float[Array, "n d"], neighbours: Array) -> Array:
    """The embeddings that neighbours are looked up in: those of all devices' clients.

    Args:
        neighbours: from :func:`draw_neighbours`; where there are none, nothing is sent
            between devices.
    """
    return gather_over_devices(users) if neighbours.shape[1] > 0 else users


def neighbours_of_client(
    users: Array,
    neighbours: Array,
    pair: Int[Array, " width"],
    held: Bool[Array, " width"],
) -> Neighbours:
    """What the matching server sends one client in a round.

    Args:
        users: all clients' embeddings now, from :func:`all_users`.
        neighbours: of each training pair, from :func:`draw_neighbours`.
        pair: the client's training pairs, padded.
    """
    found = neighbours[pair]
    present = (found != NO_NEIGHBOUR) & held[:, None]
    embeddings = users[jnp.maximum(found, 0).reshape(-1)]
    return Neighbours(
        jnp.where(present.reshape(-1, 1), embeddings, 0.0), present.reshape(-1)
    )


def represent_clients(
    represent: Represent,
    weights: Weights,
    users: Float[Array, "n d"],
    item_embeddings: Float[Array, "m d"],
    groups: tuple[ClientGroup, ...],
    neighbours: Int[Array, "pairs neighbours"],
) -> Float[Array, "n r"]:
    """All clients' representations.

    Args:
        weights: its shared weights.
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
