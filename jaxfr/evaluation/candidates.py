"""The items among which test items are ranked, and the popularity thirds."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.sampling import PADDING_ITEM, ItemLists, complement_items, distinct_ranks
from jaxfr.shapes import Int

GROUP_NAMES = ("head", "middle", "tail")

# The group of a user without a test item: outside every group.
NO_GROUP = -1


def item_degree_groups(item_degree: Int[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
    """Groups items so that each group holds about a third of the interactions.

    The items are sorted by training degree, descending, ties by ascending id. With
    ``before`` the interactions of all items that come before an item, and ``total``
    those of all items, the item's group is ``floor(3 before / total)``, at most 2. So
    the head is the shortest run of most popular items that holds a third of the
    interactions or more, head and middle together are the shortest that holds two
    thirds, and the tail is the rest, items without a training interaction included.
    Groups differ widely in their number of items, and hold similar numbers of uploads.

    Args:
        item_degree: training interactions of each item, not all zero.

    Returns:
        Index into ``GROUP_NAMES`` for each item.
    """
    degree = np.asarray(item_degree, np.int64)
    order = np.argsort(-degree, kind="stable")
    sorted_degree = degree[order]
    before = np.cumsum(sorted_degree) - sorted_degree
    last = len(GROUP_NAMES) - 1
    groups = np.empty(len(degree), np.int32)
    groups[order] = np.minimum(len(GROUP_NAMES) * before // degree.sum(), last)
    return groups


def user_degree_groups(dataset: Dataset) -> Int[np.ndarray, " n"]:
    """Returns each user's group, which is that of its test item.

    Returns:
        Index into ``GROUP_NAMES``, or ``NO_GROUP`` for a user without a test item.
    """
    groups = item_degree_groups(dataset.item_degree)[dataset.test_items]
    return np.where(dataset.test_items == NO_TEST_ITEM, NO_GROUP, groups)


# The usual number in leave-one-out evaluation: with the test item, 100 are ranked.
NUM_CANDIDATES = 99


def sample_candidate_ranks(
    key: Array, num_excluded: Int[Array, ""], num_items: int, count: int
) -> Int[Array, " count"]:
    """Draws which items one client's test item is ranked among.

    The result says which of the items that are not excluded, in ascending order;
    ``complement_items`` turns it into items.

    ``count`` distinct items, every subset of those not excluded equally likely, so
    that chance is a hit ratio of K / (``count`` + 1). The order is not uniform and
    carries no meaning. A client with fewer than ``count`` items left gets rubbish:
    ``check_enough_candidates`` finds it beforehand.

    Args:
        num_excluded: number of the client's training items and its test item together.
        num_items: number of items m, static.
        count: how many to draw, static.

    Returns:
        Distinct, from 0 to ``num_items - num_excluded - 1``.
    """
    chex.assert_rank(num_excluded, 0)
    return distinct_ranks(key, num_items - num_excluded, count)


def check_enough_candidates(dataset: Dataset, count: int) -> None:
    """Refuses data in which some user has too few items to rank its test item among.

    Users without a test item are not evaluated and so need none.

    Args:
        count: how many candidates each user must have, besides its test item.

    Raises:
        InvalidInputError: if an evaluated user has fewer than ``count`` items that
            are neither training items nor its test item.
    """
    left = dataset.num_items - dataset.user_activity - 1
    left = np.where(dataset.test_items == NO_TEST_ITEM, count, left)
    user = int(np.argmin(left))
    if left[user] < count:
        fewer = f"num_candidates={left[user]} is few enough, and " * bool(left[user])
        raise InvalidInputError(
            f"{dataset.name}: user {dataset.user_id(user)} has {left[user]} items to "
            f"rank its test item among, fewer than num_candidates={count}: "
            f"{fewer}ranking=full ranks all"
        )


def items_by_third(item_third: Int[Array, " m"]) -> ItemLists:
    """The items of each third, ascending.

    Args:
        item_third: index into ``GROUP_NAMES`` of each item.
    """
    order = jnp.argsort(item_third, stable=True).astype(jnp.int32)
    start = jnp.searchsorted(item_third[order], jnp.arange(len(GROUP_NAMES) + 1))
    return ItemLists(order, start.astype(jnp.int32))


def draw_within_third(
    key: Array,
    client_ids: Int[Array, " n"],
    excluded: ItemLists,
    item_third: Int[Array, " m"],
    own_third: Int[Array, " n"],
    count: int,
) -> Int[Array, "n count"]:
    """Draws the items of its own third that each client's test item is ranked among.

    ``count`` distinct items of those that the client never interacted with, every
    subset equally likely; all of them where there are fewer, as happens in the head.

    Args:
        key: the run's key for these candidates; each client uses its own child of it.
        item_third: index into ``GROUP_NAMES`` of each item.
        own_third: that of each client's test item, ``NO_GROUP`` without one.
        count: how many to draw for each client, static.

    Returns:
        Padded with ``PADDING_ITEM``.
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


def count_within_third(dataset: Dataset, count: int) -> Int[np.ndarray, " n"]:
    """How many candidates each user's test item has, on the host.

    Args:
        count: as in :func:`draw_within_third`.

    Returns:
        0 for a user without a test item.
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
