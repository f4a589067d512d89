"""Candidates of the test item's own popularity third: order beside popularity.

Among candidates of all items, whoever ranks by popularity alone does well. Among those
of one third (head, middle or tail, see ``degree_groups``) popularity says little.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.evaluation.degree_groups import (
    GROUP_NAMES,
    item_degree_groups,
    user_degree_groups,
)
from jaxfr.sampling import (
    PADDING_ITEM,
    ItemLists,
    complement_items,
    distinct_ranks,
)


def items_by_third(item_third: Array) -> ItemLists:
    """The items of each third, ascending.

    Args:
        item_third: index into ``GROUP_NAMES`` of each item, int32 ``[m]``.
    """
    order = jnp.argsort(item_third, stable=True).astype(jnp.int32)
    start = jnp.searchsorted(item_third[order], jnp.arange(len(GROUP_NAMES) + 1))
    return ItemLists(order, start.astype(jnp.int32))


def draw_within_third(
    key: Array,
    client_ids: Array,
    excluded: ItemLists,
    item_third: Array,
    own_third: Array,
    count: int,
) -> Array:
    """Draws the items of its own third that each client's test item is ranked among.

    ``count`` distinct items of those that the client never interacted with, every
    subset equally likely; all of them where there are fewer, as happens in the head.

    Args:
        key: the run's key for these candidates; each client uses its own child of it.
        client_ids: each client's number among all, int32 ``[n]``.
        excluded: each client's training items and test item.
        item_third: index into ``GROUP_NAMES`` of each item, int32 ``[m]``.
        own_third: that of each client's test item, ``NO_GROUP`` without one, int32
            ``[n]``.
        count: how many to draw for each client, static.

    Returns:
        int32 ``[n, count]``, padded with ``PADDING_ITEM``.
    """
    if count == 0:
        return jnp.zeros((client_ids.size, 0), jnp.int32)
    thirds = items_by_third(item_third)
    known = _known_places(excluded, thirds, item_third, own_third)
    left = (jnp.diff(thirds.start)[own_third] - jnp.diff(known.start)).astype(jnp.int32)
    left = jnp.where(own_third < 0, 0, left)

    def one_client(client: Array, population: Array) -> Array:
        own_key = jax.random.fold_in(key, client)
        drawn = distinct_ranks(own_key, jnp.maximum(population, count), count)
        everything = jnp.arange(count, dtype=jnp.int32)
        return jnp.where(population < count, everything, drawn)

    ranks = jax.vmap(one_client)(client_ids, left)
    own_numbers = jnp.arange(client_ids.size, dtype=jnp.int32)
    places = complement_items(ranks, own_numbers[:, None], known)
    items = thirds.items.at[thirds.start[own_third][:, None] + places].get(mode="clip")
    return jnp.where(ranks < left[:, None], items, PADDING_ITEM)


def count_within_third(dataset: Dataset, count: int) -> np.ndarray:
    """How many candidates each user's test item has, on the host.

    Args:
        dataset: the data.
        count: as in :func:`draw_within_third`.

    Returns:
        int64 ``[n]``, 0 for a user without a test item.
    """
    third = item_degree_groups(dataset.item_degree)
    own_third = user_degree_groups(dataset)
    users = dataset.train_users
    trained = third[dataset.train_items] == own_third[users]
    known = np.bincount(users[trained], minlength=dataset.num_users) + 1
    sizes = np.bincount(third, minlength=len(GROUP_NAMES))
    left = np.minimum(sizes[own_third] - known, count)
    return np.where(dataset.test_items == NO_TEST_ITEM, 0, left)


def _known_places(
    excluded: ItemLists, thirds: ItemLists, item_third: Array, own_third: Array
) -> ItemLists:
    """Of each client's known items those of its own third, by their places in it."""
    number = jnp.arange(excluded.items.size)
    owner = jnp.searchsorted(excluded.start, number, side="right") - 1
    # Behind the last list is filling, which belongs to nobody.
    wanted = own_third.at[owner].get(mode="fill", fill_value=-1)
    third = item_third[excluded.items]
    kept = third == wanted
    place_of = (
        jnp.zeros_like(thirds.items)
        .at[thirds.items]
        .set(jnp.arange(thirds.items.size, dtype=jnp.int32))
    )
    place = place_of[excluded.items] - thirds.start[third]
    before = jnp.append(0, jnp.cumsum(kept, dtype=jnp.int32)).astype(jnp.int32)
    target = jnp.where(kept, before[:-1], excluded.items.size)
    items = jnp.zeros_like(excluded.items).at[target].set(place, mode="drop")
    return ItemLists(items, before[excluded.start])
