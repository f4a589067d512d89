"""Negatives, and the distinct items over which a client's pairs run."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.clients.batch import (
    Batch,
    draw_negative_ranks,
    make_batch,
    negatives_of_client,
)
from jaxfr.sampling import PADDING_ITEM

NUM_ITEMS, WIDTH = 12, 7

batch_of = jax.jit(make_batch)
negatives_of = jax.jit(negatives_of_client)
draw = jax.jit(draw_negative_ranks, static_argnums=2)

pairs_of_one_client = st.lists(
    st.tuples(st.integers(0, NUM_ITEMS - 1), st.integers(0, NUM_ITEMS - 1)),
    max_size=WIDTH,
    unique_by=lambda pair: pair[0],
).filter(lambda pairs: not {j for j, _ in pairs} & {k for _, k in pairs})


def pad(items, width: int = WIDTH) -> np.ndarray:
    padded = np.full(width, PADDING_ITEM, np.int32)
    padded[: len(items)] = items
    return padded


def pairs_in(batch: Batch) -> list[tuple[int, int]]:
    items, negative = np.asarray(batch.items), np.asarray(batch.negative)
    places = np.flatnonzero(batch.pair)
    return [(int(items[place]), int(items[negative[place]])) for place in places]


# --- the batch ---


@given(pairs_of_one_client)
@settings(max_examples=100, deadline=None)
def test_a_batch_holds_the_pairs_in_their_order(pairs):
    batch = batch_of(pad([j for j, _ in pairs]), pad([k for _, k in pairs]))
    assert pairs_in(batch) == pairs


@given(pairs_of_one_client)
@settings(max_examples=100, deadline=None)
def test_a_batch_holds_every_item_once(pairs):
    batch = batch_of(pad([j for j, _ in pairs]), pad([k for _, k in pairs]))
    present = np.asarray(batch.present)
    items = np.asarray(batch.items)[present].tolist()
    assert sorted(items) == sorted({item for pair in pairs for item in pair})
    assert np.all(np.asarray(batch.items)[~present] == 0)
    assert present[np.asarray(batch.negative)[np.asarray(batch.pair)]].all()


def test_a_negative_drawn_twice_is_one_position_for_both_pairs():
    batch = batch_of(pad([3, 1, 8]), pad([5, 2, 5]))
    first, second, third = np.asarray(batch.negative)[:3]
    assert first == third != second
    assert np.sum(batch.present) == 5


# --- the negatives ---


@functools.cache
def many_negatives(held: tuple[int, ...]) -> np.ndarray:
    """What 3000 clients with the same training items draw, ``[clients, items]``."""
    clients = 3000
    activity = np.full(clients * len(held), len(held), np.int32)
    rank = np.asarray(draw(jax.random.key(len(held)), activity, NUM_ITEMS))
    padded = np.zeros((clients, WIDTH), np.int32)
    padded[:, : len(held)] = rank.reshape(clients, len(held))
    drawn = jax.vmap(negatives_of, in_axes=(0, None))(jnp.asarray(padded), pad(held))
    assert np.all(np.asarray(drawn)[:, len(held) :] == PADDING_ITEM)
    return np.asarray(drawn)[:, : len(held)]


@pytest.mark.parametrize("held", [(4,), (0, 1, 11), (1, 2, 5, 6, 7, 10, 11)])
def test_negatives_are_uniform_over_the_items_that_the_client_does_not_hold(held):
    drawn = many_negatives(held)
    counts = np.bincount(drawn.ravel(), minlength=NUM_ITEMS)
    assert np.all(counts[list(held)] == 0)
    counts = np.delete(counts, held)
    expected, freedom = drawn.size / counts.size, counts.size - 1
    chi_square = np.sum((counts - expected) ** 2 / expected)
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def test_the_draws_of_one_client_are_independent():
    first, second = many_negatives((0, 1, 11)).T[:2]
    repeated = np.mean(first == second)
    expected = 1 / (NUM_ITEMS - 3)
    deviation = np.sqrt(expected * (1 - expected) / first.size)
    assert abs(repeated - expected) < 4 * deviation


def test_a_client_may_draw_any_item_but_its_own_so_also_its_test_item():
    others = set(range(NUM_ITEMS)) - {0, 1, 11}
    assert set(many_negatives((0, 1, 11)).ravel().tolist()) == others


def test_negatives_do_not_depend_on_the_width_that_a_client_is_padded_to():
    rank, held = np.array([5, 0, 8], np.int32), [2, 3, 9]
    narrow = negatives_of(rank, pad(held, 3))
    wide = negatives_of(np.append(rank, [0, 3, 1, 0]).astype(np.int32), pad(held))
    np.testing.assert_array_equal(narrow, np.asarray(wide)[:3])
    np.testing.assert_array_equal(narrow, [7, 0, 11])


def test_a_client_that_holds_all_items_but_one_draws_that_one():
    held = [item for item in range(8) if item != 5]
    rank = draw(jax.random.key(0), np.full(7, 7, np.int32), 8)
    np.testing.assert_array_equal(negatives_of(rank, pad(held)), np.full(7, 5))
