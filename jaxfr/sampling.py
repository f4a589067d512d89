"""Uniform draws of items that a client has not interacted with, on one client."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

# Pads ascending lists of items: above every item, and every rank stays below it.
PADDING_ITEM = 2**31 - 1

# Comparisons of all clients of a group at once, 256 MB at most.
MAX_COMPARISONS = 2**26

SearchMethod = Literal["scan", "compare_all"]


def complement_item(
    rank: Array, excluded: Array, method: SearchMethod = "scan"
) -> Array:
    """Returns the ``rank``-th item, from 0, that is not excluded.

    Before the excluded item number s (the s-th smallest, from 0) there are
    ``excluded[s] - s`` items that are not excluded, so the wanted item is ``rank``
    plus the number of s for which ``excluded[s] - s <= rank``.

    Args:
        rank: int32, any shape.
        excluded: distinct items, ascending, padded with ``PADDING_ITEM``;
            int32 ``[length]``.
        method: from :func:`search_method`.

    Returns:
        Items, int32, of the shape of ``rank``.
    """
    # The padding, too, must stay ascending and above every rank.
    before = jnp.where(
        excluded == PADDING_ITEM, PADDING_ITEM, excluded - jnp.arange(excluded.size)
    )
    place = jnp.searchsorted(before, rank, side="right", method=method)
    return rank + place.astype(jnp.int32)


def search_method(comparisons: int) -> SearchMethod:
    """How to search, given the number of comparisons that comparing all would take.

    A binary search is a loop that costs the compiler a quarter of a second each time it
    occurs, and the programs hold two dozen of them; comparing all is one kernel, but
    may hold all comparisons in memory.

    Args:
        comparisons: length of the list times number of values times clients.
    """
    return "compare_all" if comparisons <= MAX_COMPARISONS else "scan"


def insert_item(ascending: Array, item: Array) -> Array:
    """Inserts an item into an ascending list, without the compile time of a sort.

    Args:
        ascending: int32 ``[length]``.
        item: int32 scalar.

    Returns:
        int32 ``[length + 1]``, ascending.
    """
    place = jnp.sum(ascending < item)
    longer = jnp.append(ascending, PADDING_ITEM)
    index = jnp.arange(longer.size)
    shifted = jnp.where(index > place, jnp.roll(longer, 1), longer)
    return jnp.where(index == place, item, shifted)


def distinct_ranks(key: Array, population: Array, count: int) -> Array:
    """Draws ``count`` distinct numbers of 0 .. ``population`` - 1 uniformly.

    Floyd's algorithm (Bentley and Floyd, "A sample of brilliance", CACM 1987): step s
    draws from the first ``population - count + s + 1`` numbers, and takes the last of
    them where the draw was already taken. It costs ``count`` squared, not
    ``population``. Every subset is equally likely; the order is not uniform.

    Args:
        key: random key.
        population: int32 scalar, at least ``count``.
        count: how many to draw, static.

    Returns:
        int32 ``[count]``.
    """
    indices = jnp.arange(count, dtype=jnp.int32)
    if count == 0:  # a scan must not index an empty array, even for no step
        return indices
    last = population - count + indices
    drawn = jax.random.randint(key, (count,), 0, last + 1)

    def step(taken: Array, index: Array) -> tuple[Array, None]:
        is_taken = jnp.any(taken == drawn[index])
        fresh = jnp.where(is_taken, last[index], drawn[index])
        return taken.at[index].set(fresh), None

    return jax.lax.scan(step, jnp.full(count, -1, jnp.int32), indices)[0]
