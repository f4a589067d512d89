"""Neighbours: other users who hold an item."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.clients.graph import (
    NO_NEIGHBOUR,
    Holders,
    all_users,
    draw_neighbours,
    list_holders,
    neighbours_of_client,
)
from jaxfr.data.dataset import Dataset
from jaxfr.devices import AXIS
from tests.datasets import dataset_of

# Who holds what: item 0 all four, item 1 two, items 2 and 4 one each, item 3 nobody.
HELD = [[0, 1], [4, 0], [0], [2, 1, 0]]
DRAWS = 3000

draw = jax.jit(draw_neighbours, static_argnums=3)


@functools.cache
def four_users() -> Dataset:
    return dataset_of(HELD, 5)


@functools.cache
def holders() -> Holders:
    return list_holders(four_users())


@functools.cache
def drawn(count: int = DRAWS) -> np.ndarray:
    return np.asarray(draw(jax.random.key(0), jnp.arange(8), holders(), count))


def others_who_hold(pair: int) -> list[int]:
    user, item = four_users().train_users[pair], four_users().train_items[pair]
    return [other for other in range(4) if item in HELD[other] and other != user]


def test_the_holders_of_each_item_are_listed_and_the_user_itself_is_found():
    for pair, (user, item) in enumerate(
        zip(four_users().train_users, four_users().train_items, strict=True)
    ):
        start, degree, place = (field[pair] for field in holders().of_pairs)
        of_item = np.asarray(holders().user)[start : start + degree]
        assert of_item.tolist() == [u for u in range(4) if item in HELD[u]]
        assert of_item[place] == user


def test_users_may_be_listed_by_other_numbers():
    numbers = np.array([3, 8, 0, 5])
    listed = list_holders(four_users(), numbers)
    np.testing.assert_array_equal(listed.user, numbers[np.asarray(holders().user)])
    jax.tree.map(np.testing.assert_array_equal, listed.of_pairs, holders().of_pairs)


def test_neighbours_hold_the_item_and_are_never_the_user():
    assert drawn().shape == (8, DRAWS)
    for pair, found in enumerate(drawn()):
        expected = others_who_hold(pair) or [NO_NEIGHBOUR]
        assert set(found.tolist()) == set(expected)


def test_every_other_holder_is_drawn_equally_often_and_apart_from_the_next():
    counts = []
    for pair, found in enumerate(drawn()):
        others = others_who_hold(pair)
        if len(others) < 3:
            continue
        counts += [np.sum(found == other) for other in others]
        again = np.mean(found[1:] == found[:-1])
        assert abs(again - 1 / 3) < 4 * np.sqrt(2 / 9 / DRAWS)
    assert len(counts) == 4 * 3
    deviation = np.sqrt(DRAWS * 2 / 9)
    assert np.max(np.abs(np.array(counts) - DRAWS / 3)) < 4 * deviation


@given(st.lists(st.integers(0, 7), min_size=3, max_size=3))
@settings(max_examples=20)
def test_a_pair_draws_the_same_neighbours_beside_any_others(chosen):
    pairs = jnp.array(chosen)
    of_pairs = jax.tree.map(lambda field: field[pairs], holders().of_pairs)
    some = holders()._replace(of_pairs=of_pairs)
    found = draw(jax.random.key(0), pairs, some, 5)
    np.testing.assert_array_equal(found, drawn(5)[np.array(chosen)])


def test_a_client_is_sent_its_neighbours_embeddings_and_zeros_for_padding():
    users = np.arange(1.0, 9.0, dtype=np.float32).reshape(4, 2)
    neighbours = jnp.array([[1, 2], [NO_NEIGHBOUR, NO_NEIGHBOUR], [3, 0]])
    pair, held = jnp.array([2, 1, 0]), jnp.array([True, True, False])
    found = neighbours_of_client(jnp.asarray(users), neighbours, pair, held)
    nobody = [0, 0]
    np.testing.assert_array_equal(
        found.embeddings, [users[3], users[0], nobody, nobody, nobody, nobody]
    )
    expected = [True, True, False, False, False, False]
    np.testing.assert_array_equal(found.present, expected)


@pytest.mark.parametrize("count", [0, 2])
def test_neighbours_are_looked_up_among_the_users_of_all_devices(count):
    users = np.arange(12.0, dtype=np.float32).reshape(2, 3, 2)  # two devices' own
    neighbours = jnp.zeros((2, 4, count), jnp.int32)
    found = jax.vmap(all_users, axis_name=AXIS)(jnp.asarray(users), neighbours)
    for own, known in zip(users, found, strict=True):
        np.testing.assert_array_equal(known, users.reshape(6, 2) if count else own)
