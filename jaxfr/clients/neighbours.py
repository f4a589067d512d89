"""Neighbours: other users who hold an item, found by a matching server.

The server learns who holds what only in encrypted form, and hands out embeddings
without names (Wu et al., "FedGNN", 2021). Here the holders of an item are a list.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import Dataset
from jaxfr.models.base import Neighbours

NO_NEIGHBOUR = -1


class Holders(NamedTuple):
    """Who holds each item, item by item.

    Attributes:
        user: the holders, int32 ``[pairs]``.
        start: where each training pair's item begins, int32 ``[pairs]``.
        degree: how many hold its item, int32 ``[pairs]``.
        place: where the pair's own user stands among them, from 0, int32 ``[pairs]``.
    """

    user: Array
    start: Array
    degree: Array
    place: Array


def list_holders(dataset: Dataset) -> Holders:
    """Lists the holders of each item, on the host."""
    items = dataset.train_items
    order = np.argsort(items, kind="stable")
    first = np.cumsum(dataset.item_degree) - dataset.item_degree
    position = np.empty(items.size, np.int64)
    position[order] = np.arange(items.size)
    return Holders(
        user=jnp.asarray(dataset.train_users[order], jnp.int32),
        start=jnp.asarray(first[items], jnp.int32),
        degree=jnp.asarray(dataset.item_degree[items], jnp.int32),
        place=jnp.asarray(position - first[items], jnp.int32),
    )


def draw_neighbours(key: Array, holders: Holders, count: int) -> Array:
    """Draws, for each training pair, other users who hold its item.

    Uniform and with replacement.

    Args:
        key: random key.
        holders: who holds what.
        count: neighbours of each pair, static.

    Returns:
        Users, ``NO_NEIGHBOUR`` where nobody else holds the item, int32
        ``[pairs, count]``.
    """
    others = holders.degree[:, None] - 1
    shape = holders.user.size, count
    drawn = jax.random.randint(key, shape, 0, jnp.maximum(others, 1))
    drawn += drawn >= holders.place[:, None]  # passes over the user itself
    place = jnp.minimum(holders.start[:, None] + drawn, holders.user.size - 1)
    return jnp.where(others > 0, holders.user[place], NO_NEIGHBOUR)


def neighbours_of_client(
    users: Array, neighbours: Array, pair: Array, held: Array
) -> Neighbours:
    """What the matching server sends one client in a round.

    Args:
        users: all clients' embeddings now, float32 ``[n, d]``.
        neighbours: of each training pair, from :func:`draw_neighbours`.
        pair: the client's training pairs, padded, int32 ``[width]``.
        held: which of them are no padding, bool ``[width]``.
    """
    found = neighbours[pair]
    present = (found != NO_NEIGHBOUR) & held[:, None]
    embeddings = users[jnp.maximum(found, 0).reshape(-1)]
    return Neighbours(
        jnp.where(present.reshape(-1, 1), embeddings, 0.0), present.reshape(-1)
    )
