"""Uniform draws of items that a client has not interacted with, on one client."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array

# Pads ascending lists of items: above every item, and every rank stays below it.
PADDING_ITEM = 2**31 - 1

# Comparisons for one client, above which a binary search is worth its compile time.
MAX_COMPARISONS = 2**20


def complement_item(rank: Array, excluded: Array) -> Array:
    """Returns the ``rank``-th item, from 0, that is not excluded.

    Before the excluded item number s (the s-th smallest, from 0) there are
    ``excluded[s] - s`` items that are not excluded, so the wanted item is ``rank``
    plus the number of s for which ``excluded[s] - s <= rank``.

    Args:
        rank: int32, any shape.
        excluded: distinct items, ascending, padded with ``PADDING_ITEM``;
            int32 ``[length]``.

    Returns:
        Items, int32, of the shape of ``rank``.
    """
    # The padding, too, must stay ascending and above every rank.
    before = jnp.where(
        excluded == PADDING_ITEM, PADDING_ITEM, excluded - jnp.arange(excluded.size)
    )
    return rank + place_in(before, rank, side="right")


def place_in(
    ascending: Array, values: Array, side: Literal["left", "right"] = "left"
) -> Array:
    """``searchsorted``, by comparing all where that is quick.

    A binary search is a loop that costs the compiler a quarter of a second each time it
    occurs, and the programs hold two dozen of them; comparing a list of some hundred
    items with all values takes the machine no longer.

    Args:
        ascending: int32 ``[length]``.
        values: int32, any shape.
        side: whether equal items count as after (``"left"``) or before the value.

    Returns:
        How many items stand before each value, int32, of the shape of ``values``.
    """
    few = ascending.size * values.size <= MAX_COMPARISONS
    method = "compare_all" if few else "scan"
    place = jnp.searchsorted(ascending, values, side=side, method=method)
    return place.astype(jnp.int32)


def insert_item(ascending: Array, item: Array) -> Array:
    """Inserts an item into an ascending list, without the compile time of a sort.

    Args:
        ascending: int32 ``[length]``.
        item: int32 scalar.

    Returns:
        int32 ``[length + 1]``, ascending.
    """
    place = place_in(ascending, item)
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
