"""Uniform draws of items that a client has not interacted with."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.devices import as_int32
from jaxfr.shapes import Bool, Float, Int

# The kind of every random key: what a seed means, whatever JAX's default is.
KEY_KIND = "threefry2x32"

# Pads lists of items: no item has this number.
PADDING_ITEM = 2**31 - 1


class ItemLists(NamedTuple):
    """One ascending list of distinct items for each owner, one behind the other.

    Attributes:
        start: where each owner's list begins, and at last where the last one ends,
            int32 ``[owners + 1]``.
    """

    items: Int[Array, " total"]
    start: Array


def list_items(owner: np.ndarray, item: np.ndarray, num_owners: int) -> ItemLists:
    """Sorts pairs of an owner and an item into lists, on the host."""
    order = np.lexsort((item, owner))
    length = np.bincount(owner, minlength=num_owners)
    start = np.concatenate([[0], np.cumsum(length)])
    return ItemLists(as_int32(item[order]), as_int32(start))


def complement_items(rank: Array, owner: Array, excluded: ItemLists) -> Array:
    """Returns the ``rank``-th item, from 0, that is not on the owner's list.

    Before the list's item number s (the s-th smallest, from 0) there are
    ``item - s`` items that are not on it, so the wanted item is ``rank`` plus the
    number of s for which ``item - s <= rank``: a binary search, of all at once.

    Args:
        owner: whose list counts, int32, broadcast against ``rank``.

    Returns:
        Items, int32, of the shape of ``rank``.
    """
    if excluded.items.size == 0:
        return rank
    begin = jnp.broadcast_to(excluded.start[owner], rank.shape)
    end = jnp.broadcast_to(excluded.start[owner + 1], rank.shape)

    def unfinished(bounds: tuple[Array, Array]) -> Array:
        return jnp.any(bounds[0] < bounds[1])

    def halve(bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = low + (high - low) // 2
        before = excluded.items[jnp.minimum(middle, excluded.items.size - 1)]
        beyond = before - (middle - begin) <= rank
        searching = low < high
        return (
            jnp.where(searching & beyond, middle + 1, low),
            jnp.where(searching & ~beyond, middle, high),
        )

    place, _ = jax.lax.while_loop(unfinished, halve, (begin, end))
    return rank + place - begin


def integers_at(key: Array, place: Array, end: Array) -> Array:
    """Draws from 0 .. ``end`` - 1 by places of one long stream of draws.

    A draw depends on the key, its place and its end only, so that who draws some of the
    places gets what who draws all of them has there, which is
    ``jax.random.randint(key, places, 0, end)[place]``. That draws the remainder of 64
    random bits, 32 from each half of the key.

    Args:
        place: from 0, int32, any shape.
        end: at least 1, int32, broadcast against ``place``.

    Returns:
        int32, of the shape of ``place``.
    """
    high, low = (_bits_at(half, place) for half in jax.random.split(key))
    end = jnp.broadcast_to(end, place.shape).astype(jnp.uint32)
    shift = jnp.uint32(2**16) % end
    shift = (shift * shift) % end  # what 2**32 leaves
    return (((high % end) * shift + low % end) % end).astype(jnp.int32)


def _bits_at(key: Array, place: Array) -> Array:
    """``jax.random.bits(key, places)[place]``: the halves of a counter's hash, joined.

    So JAX makes its bits from Threefry (``jax_threefry_partitionable``), and the key of
    ``fold_in`` is the same hash.
    """
    fold = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
    halves = jax.random.key_data(fold(key, place.reshape(-1)))
    return (halves[:, 0] ^ halves[:, 1]).reshape(place.shape)


def distinct_ranks(
    key: Array, population: Int[Array, ""] | int, count: int
) -> Int[Array, " count"]:
    """Draws ``count`` distinct numbers of 0 .. ``population`` - 1 uniformly.

    Floyd's algorithm (Bentley and Floyd, "A sample of brilliance", CACM 1987): step s
    draws from the first ``population - count + s + 1`` numbers, and takes the last of
    them where the draw was already taken. It costs ``count`` squared, not
    ``population``. Every subset is equally likely; the order is not uniform.

    Args:
        population: at least ``count``.
        count: how many to draw, static.
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


def draw_by_popularity(
    key: Array,
    item_popularity: Int[Array, " m"] | Float[Array, " m"],
    count: Int[Array, ""],
) -> Bool[Array, " m"]:
    """Draws ``count`` items without replacement, in proportion to popularity.

    The largest values of log popularity plus Gumbel noise are such a sample (Efraimidis
    and Spirakis, "Weighted random sampling with a reservoir", 2006; Yellott 1977).
    Items that never occur are never drawn, even where too few others are left.

    Returns:
        Whether each item is drawn.
    """
    return (popularity_order(key, item_popularity) < count) & (item_popularity > 0)


def popularity_order(
    key: Array, item_popularity: Int[Array, " m"] | Float[Array, " m"]
) -> Int[Array, " m"]:
    """The place of each item in such a drawn order; items that never occur are last."""
    popularity = item_popularity.astype(jnp.float32)
    noise = jax.random.gumbel(key, popularity.shape)
    preference = jnp.where(popularity > 0, jnp.log(popularity) + noise, -jnp.inf)
    return jnp.argsort(jnp.argsort(-preference))
