"""Negatives, repeated ones among them, and the pairs of a round in tiles."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.clients.dividing import join_parts
from jaxfr.clients.negatives import (
    TiledPairs,
    draw_negatives,
    draw_pseudo_items,
    first_occurrence,
    tile_pairs,
)
from jaxfr.clients.tensors import plan_tiles
from jaxfr.data.dataset import Dataset
from jaxfr.sampling import list_items
from tests.chances import assert_chances
from tests.datasets import dataset_of

NUM_ITEMS = 12

draw = jax.jit(draw_negatives, static_argnums=4)
first = jax.jit(first_occurrence)
pseudo = jax.jit(draw_pseudo_items, static_argnums=(1, 4))
tiled = jax.jit(tile_pairs, static_argnames="keep_repeats")

# --- the negatives ---


@functools.cache
def many_negatives(held: tuple[int, ...], num_items: int = NUM_ITEMS) -> np.ndarray:
    """What 3000 clients with the same training items draw, ``[clients, items]``."""
    clients = 3000
    user = np.repeat(np.arange(clients, dtype=np.int32), len(held))
    lists = list_items(user, np.tile(held, clients), clients)
    drawn = draw(
        jax.random.key(len(held)), jnp.arange(user.size), user, lists, num_items
    )
    return np.asarray(drawn).reshape(clients, len(held))


def assert_uniform_outside(held: tuple[int, ...], drawn: np.ndarray) -> None:
    counts = np.bincount(drawn.ravel(), minlength=NUM_ITEMS)
    assert np.all(counts[list(held)] == 0)
    others = np.delete(counts, held)
    assert_chances(others, np.full(others.size, 1 / others.size))


@pytest.mark.parametrize("held", [(4,), (11, 0, 1), (1, 2, 7, 6, 5, 10, 11)])
def test_negatives_are_uniform_over_the_items_that_the_client_does_not_hold(held):
    drawn = many_negatives(held)
    assert_uniform_outside(held, drawn)


def test_the_draws_of_one_client_are_independent():
    one, other = many_negatives((11, 0, 1)).T[:2]
    repeated = np.mean(one == other)
    expected = 1 / (NUM_ITEMS - 3)
    deviation = np.sqrt(expected * (1 - expected) / one.size)
    assert abs(repeated - expected) < 4 * deviation


def test_a_client_that_holds_all_items_but_one_draws_that_one():
    held = tuple(item for item in range(8) if item != 5)
    assert np.all(many_negatives(held, 8) == 5)


@given(st.integers(0, 2**31 - 1), st.lists(st.integers(0, 14), min_size=6, max_size=6))
@settings(max_examples=20)
def test_a_pair_draws_the_same_negative_beside_any_others(seed, chosen):
    dataset, key = five_clients(), jax.random.key(seed)
    user, item = dataset.train_users, dataset.train_items
    lists = list_items(user, item, dataset.num_users)
    everybody = draw(key, jnp.arange(user.size), user, lists, NUM_ITEMS)
    found = draw(key, jnp.array(chosen), user[chosen], lists, NUM_ITEMS)
    np.testing.assert_array_equal(found, np.asarray(everybody)[chosen])


# --- pseudo items ---


def test_pseudo_items_are_uniform_over_the_items_that_the_client_does_not_hold():
    held, clients = np.array([11, 0, 1]), 3000
    user = np.repeat(np.arange(clients, dtype=np.int32), held.size)
    lists = list_items(user, np.tile(held, clients), clients)
    drawn = np.asarray(
        pseudo(jax.random.key(0), 4, jnp.arange(clients), lists, NUM_ITEMS)
    )
    assert drawn.shape == (clients, 4)
    assert_uniform_outside(tuple(held), drawn)
    repeated = np.mean(drawn[:, 0] == drawn[:, 1])  # independent draws
    assert abs(repeated - 1 / 9) < 4 * np.sqrt(8 / 81 / clients)


def test_every_client_draws_pseudo_items_even_one_that_holds_nothing():
    dataset = five_clients()
    lists = list_items(dataset.train_users, dataset.train_items, dataset.num_users)
    drawn = np.asarray(pseudo(jax.random.key(3), 50, jnp.arange(5), lists, NUM_ITEMS))
    for client, items in enumerate(drawn):
        held = dataset.train_items[dataset.train_users == client]
        assert set(items.tolist()) == set(range(NUM_ITEMS)) - set(held.tolist())


def test_a_client_draws_the_same_pseudo_items_beside_any_others():
    dataset, key = five_clients(), jax.random.key(3)
    user, item = dataset.train_users, dataset.train_items
    lists = list_items(user, item, dataset.num_users)
    everybody = pseudo(key, 4, jnp.arange(5), lists, NUM_ITEMS)
    last = user >= 2
    lists = list_items(user[last] - 2, item[last], 3)
    found = pseudo(key, 4, jnp.arange(2, 5), lists, NUM_ITEMS)
    np.testing.assert_array_equal(found, everybody[2:])


# --- repeated draws ---


twelve_numbers = st.lists(st.integers(0, 3), min_size=12, max_size=12)


@given(twelve_numbers.map(sorted), twelve_numbers)
@settings(max_examples=200)
def test_the_first_draw_of_an_item_by_a_client_stands_for_all_of_them(client, item):
    draws = list(zip(client, item, strict=True))
    expected = [draws.index(draw) for draw in draws]
    np.testing.assert_array_equal(first(np.array(client), np.array(item)), expected)


# --- tiles ---


@functools.cache
def five_clients() -> Dataset:
    """Clients of one to seven items; the fourth holds nothing."""
    random = np.random.default_rng(1)
    activity = np.array([3, 1, 7, 0, 4])
    held = [random.choice(NUM_ITEMS, size, replace=False) for size in activity]
    return dataset_of(held, NUM_ITEMS)


@functools.cache
def five_clients_negatives() -> np.ndarray:
    """One for each pair; each client draws from two items, so most come twice."""
    dataset, random = five_clients(), np.random.default_rng(2)
    held = np.split(dataset.train_items, np.cumsum(dataset.user_activity)[:-1])
    pools = [np.setdiff1d(np.arange(NUM_ITEMS), own)[:2] for own in held]
    drawn = [random.choice(pools[user]) for user in dataset.train_users]
    return np.array(drawn, np.int32)


def laid_out(width: int, keep_repeats: bool = False) -> TiledPairs:
    """In NumPy."""
    dataset, negatives = five_clients(), five_clients_negatives()
    tiles = plan_tiles(dataset, width)
    pairs = tiled(
        tiles,
        dataset.train_users,
        dataset.train_items,
        negatives,
        keep_repeats=keep_repeats,
    )
    return jax.tree.map(np.asarray, pairs)


every_width = pytest.mark.parametrize("width", [1, 2, 16])


@every_width
def test_tiles_hold_every_pair_once_and_send_each_clients_distinct_items(width):
    pairs, dataset = laid_out(width), five_clients()
    client = np.tile(pairs.client[:, None], width)
    found = [field[pairs.present] for field in (client, pairs.positive, pairs.negative)]
    given_pairs = dataset.train_users, dataset.train_items, five_clients_negatives()
    for values, expected in zip(found, given_pairs, strict=True):
        np.testing.assert_array_equal(values, expected)
    items = np.concatenate([pairs.positive, pairs.negative], axis=1)
    np.testing.assert_array_equal(pairs.item, items)
    sender = np.tile(pairs.client[:, None], 2 * width)
    sent = sorted(zip(sender[pairs.sent], pairs.item[pairs.sent], strict=True))
    user = np.tile(dataset.train_users, 2)
    item = np.append(dataset.train_items, five_clients_negatives())
    assert sent == sorted(set(zip(user, item, strict=True)))
    assert len(sent) < user.size
    # Each negative has a row that is sent.
    row = pairs.negative_row[pairs.present]
    for field in (pairs.negative, client):
        np.testing.assert_array_equal(field.ravel()[row], field[pairs.present])
    assert np.all(pairs.sent[:, width:].ravel()[row])


@functools.cache
def filled_up(width: int, part: int, keep_repeats: bool) -> TiledPairs:
    """What ``laid_out`` gives where tiles and pairs are filled up to twice as many.

    There are three parts; the second is twice as long, the third is missing.
    """
    dataset, negatives = five_clients(), five_clients_negatives()
    own = plan_tiles(dataset, width), dataset.train_users, dataset.train_items
    longer = jax.tree.map(lambda leaf: np.repeat(leaf, 2, axis=0), (*own, negatives))
    joined = join_parts([(*own, negatives), longer], 3)
    arguments = jax.tree.map(lambda leaf: np.split(leaf, 3)[part], joined)
    return jax.tree.map(np.asarray, tiled(*arguments, keep_repeats=keep_repeats))


@every_width
@pytest.mark.parametrize("keep_repeats", [False, True])
def test_tiles_that_fill_up_a_part_send_nothing_and_leave_the_others(
    width, keep_repeats
):
    alone = laid_out(width, keep_repeats)
    tiles = alone.client.size
    own = jax.tree.map(lambda leaf: leaf[:tiles], filled_up(width, 0, keep_repeats))
    jax.tree.map(np.testing.assert_array_equal, own, alone)
    for part, real in ((0, tiles), (2, 0)):
        found = filled_up(width, part, keep_repeats)
        assert found.client.size == 2 * tiles
        assert not found.present[real:].any()
        assert not found.sent[real:].any()
        assert np.all(found.negative_row >= 0)
        assert np.all(found.negative_row < found.present.size)


@every_width
def test_kept_apart_every_pair_sends_two_rows_and_attackers_notice_the_merged_ones(
    width,
):
    pairs, merged = laid_out(width, keep_repeats=True), laid_out(width)
    twice = np.concatenate([pairs.present, pairs.present], axis=1)
    np.testing.assert_array_equal(pairs.sent, twice)
    own = np.arange(pairs.present.size).reshape(pairs.present.shape)
    np.testing.assert_array_equal(pairs.negative_row[pairs.present], own[pairs.present])
    for name in ("client", "positive", "negative", "present", "item"):
        np.testing.assert_array_equal(getattr(pairs, name), getattr(merged, name))
    assert merged.noticed is None
    assert pairs.noticed is not None
    np.testing.assert_array_equal(pairs.noticed, merged.sent)
    assert pairs.noticed.sum() < pairs.sent.sum()
