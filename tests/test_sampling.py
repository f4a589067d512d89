"""Uniform draws of items that a client has not interacted with."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.sampling import (
    PADDING_ITEM,
    complement_item,
    distinct_ranks,
    insert_item,
)

NUM_ITEMS = 12
LENGTH = 10

find = jax.jit(complement_item)
insert = jax.jit(insert_item)
draw = jax.jit(distinct_ranks, static_argnames="count")


def pad(items) -> np.ndarray:
    padded = np.full(LENGTH, PADDING_ITEM, np.int32)
    padded[: len(items)] = sorted(items)
    return padded


@given(st.sets(st.integers(0, NUM_ITEMS - 1), max_size=LENGTH))
@settings(max_examples=60, deadline=None)
def test_ranks_enumerate_the_items_that_are_not_excluded(excluded):
    expected = np.setdiff1d(np.arange(NUM_ITEMS), sorted(excluded))
    ranks = np.arange(NUM_ITEMS, dtype=np.int32)
    found = find(ranks, pad(excluded))[: len(expected)]
    np.testing.assert_array_equal(found, expected)


def test_with_nothing_but_padding_the_rank_is_the_item():
    ranks = np.array([0, 5, 10**8, 2**30], np.int32)
    np.testing.assert_array_equal(find(ranks, pad([])), ranks)


def test_without_room_for_exclusions_the_rank_is_the_item():
    assert find(jnp.int32(3), jnp.zeros(0, jnp.int32)) == 3


@given(
    st.sets(st.integers(0, NUM_ITEMS - 1), max_size=LENGTH),
    st.integers(0, NUM_ITEMS - 1) | st.just(PADDING_ITEM),
)
@settings(max_examples=60, deadline=None)
def test_inserting_an_item_keeps_the_list_ascending(items, item):
    found = insert(pad(items), jnp.int32(item))
    np.testing.assert_array_equal(found, np.sort(np.append(pad(items), item)))


def test_an_item_goes_into_an_empty_list_and_a_full_one():
    np.testing.assert_array_equal(insert(jnp.zeros(0, jnp.int32), jnp.int32(3)), [3])
    full = jnp.array([1, 4, 9], jnp.int32)
    for item, expected in ((0, [0, 1, 4, 9]), (5, [1, 4, 5, 9]), (10, [1, 4, 9, 10])):
        np.testing.assert_array_equal(insert(full, jnp.int32(item)), expected)


@given(st.integers(0, 2**31 - 1), st.integers(20, 10**6))
@settings(max_examples=40, deadline=None)
def test_draws_are_distinct_and_in_range(seed, population):
    ranks = np.asarray(draw(jax.random.key(seed), population, count=20))
    assert len(np.unique(ranks)) == 20
    assert ranks.min() >= 0
    assert ranks.max() < population


def test_nothing_can_be_drawn():
    assert draw(jax.random.key(0), 20, count=0).shape == (0,)


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
    expected = num_draws / num_subsets
    chi_square = np.sum((counts - expected) ** 2 / expected)
    freedom = num_subsets - 1
    assert num_subsets == {(6, 3): 20, (7, 1): 7, (5, 4): 5}[population, count]
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)
