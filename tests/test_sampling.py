"""Uniform draws of items that a client has not interacted with."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxfr.sampling import (
    ItemLists,
    complement_items,
    distinct_ranks,
    integers_at,
    list_items,
)
from tests.chances import assert_chances

NUM_ITEMS = 12

find = jax.jit(complement_items)
draw = jax.jit(distinct_ranks, static_argnames="count")
draw_at = jax.jit(integers_at)
draw_all = jax.jit(lambda key, end: jax.random.randint(key, end.shape, 0, end))

one_list = st.sets(st.integers(0, NUM_ITEMS - 1), max_size=10)
lists_of_four_owners = st.lists(one_list, min_size=4, max_size=4)


def listed(lists: list[set[int]]) -> ItemLists:
    """The lists from pairs of an owner and an item, which come in any order."""
    pairs = [(owner, item) for owner, items in enumerate(lists) for item in items]
    owner, item = np.array(pairs, int).reshape(-1, 2)[::-1].T
    return list_items(owner, item, len(lists))


def items_not_on(items: set[int]) -> np.ndarray:
    return np.array([item for item in range(NUM_ITEMS) if item not in items], int)


def padded(lists: list[set[int]]) -> ItemLists:
    """The lists, and a fifth that brings all examples to one shape."""
    total = sum(map(len, lists))
    return listed([*lists, set(range(40 - total))])


# --- lists of items ---


@given(lists_of_four_owners)
@settings(max_examples=60)
def test_every_owner_has_its_items_in_ascending_order(lists):
    found = listed(lists)
    start, items = np.asarray(found.start).tolist(), np.asarray(found.items)
    assert len(start) == len(lists) + 1
    assert (start[0], start[-1]) == (0, items.size)
    for owner, expected in enumerate(lists):
        own = items[start[owner] : start[owner + 1]]
        np.testing.assert_array_equal(own, sorted(expected))


# --- items that are not on a list ---


@given(lists_of_four_owners)
@settings(max_examples=60)
def test_ranks_enumerate_the_items_that_are_not_excluded(lists):
    expected = [items_not_on(items) for items in lists]
    owner = np.repeat(np.arange(len(lists)), [left.size for left in expected])
    rank = np.concatenate([np.arange(left.size) for left in expected])
    filling = (0, len(lists) * NUM_ITEMS - rank.size)
    found = find(np.pad(rank, filling), np.pad(owner, filling), padded(lists))
    np.testing.assert_array_equal(found[: rank.size], np.concatenate(expected))


def test_with_an_empty_list_the_rank_is_the_item():
    ranks = np.array([0, 5, 10**8, 2**30], np.int32)
    for lists in ([set(), {0, 1}], [{0, 5}, set(), {3}], [{0, 5}, set()]):
        owner = np.full(4, lists.index(set()))
        np.testing.assert_array_equal(find(ranks, owner, listed(lists)), ranks)


# --- distinct ranks ---


@given(st.integers(0, 2**31 - 1), st.integers(20, 10**6))
@settings(max_examples=40)
def test_draws_are_distinct_and_in_range(seed, population):
    ranks = np.asarray(draw(jax.random.key(seed), population, count=20))
    assert len(np.unique(ranks)) == 20
    assert ranks.min() >= 0
    assert ranks.max() < population


def test_drawing_everything_takes_everything():
    ranks = draw(jax.random.key(0), 20, count=20)
    np.testing.assert_array_equal(np.sort(ranks), np.arange(20))


@pytest.mark.parametrize(("population", "count"), [(6, 3), (7, 1), (5, 4)])
def test_every_subset_is_equally_likely(population, count):
    num_draws = 20_000
    keys = jax.random.split(jax.random.key(1), num_draws)
    many = jax.jit(
        jax.vmap(functools.partial(distinct_ranks, population=population, count=count))
    )
    subsets, counts = np.unique(np.sort(many(keys)), axis=0, return_counts=True)
    num_subsets = len(subsets)
    assert num_subsets == {(6, 3): 20, (7, 1): 7, (5, 4): 5}[population, count]
    assert_chances(counts, np.full(num_subsets, 1 / num_subsets))


# --- draws by their place ---

LONG = 64
shapes = st.sampled_from([(), (1,), (7,), (2, 3), (2, 0), (3, 1, 2)])
ends = st.integers(1, 2**31 - 1) | st.integers(1, 20)


@given(
    seed=st.integers(0, 2**31 - 1),
    place=shapes.flatmap(
        lambda shape: hnp.arrays(np.int32, shape, elements=st.integers(0, LONG - 1))
    ),
    end=hnp.arrays(np.int32, LONG, elements=ends),
)
@settings(max_examples=60)
def test_a_draw_at_a_place_is_what_who_draws_all_has_there(seed, place, end):
    key = jax.random.key(seed)
    everything = np.asarray(draw_all(key, end))
    found = draw_at(key, place, end[place])
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, everything[place])


def test_places_may_be_far_along_the_stream():
    """As far as a billion, where none of the draws before is made."""
    key, place = jax.random.key(1), np.arange(10**9, 10**9 + 4000)
    found = np.asarray(draw_at(key, place, np.int32(10)))
    counts = np.bincount(found, minlength=10)
    assert counts.size == 10
    assert_chances(counts, np.full(10, 0.1))
