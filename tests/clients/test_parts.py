"""The clients divided among devices, each part a data set of its own."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.clients.dividing import ClientPart, divide_clients, join_parts
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from tests.datasets import dataset_of

NUM_ITEMS = 9

# Training items of each of one to twelve clients, of whom some have work.
activities = st.lists(st.integers(0, NUM_ITEMS - 1), min_size=1, max_size=12).filter(
    any
)
some_examples = settings(max_examples=200)


def some_dataset(activity: list[int]) -> Dataset:
    """Clients who hold so many items each, and another one or none to test."""
    random = np.random.default_rng(sum(activity))
    order = [random.permutation(NUM_ITEMS) for _ in activity]
    held = [items[:number] for items, number in zip(order, activity, strict=True)]
    held_out = [items[-1] if random.random() < 0.7 else NO_TEST_ITEM for items in order]
    return dataset_of(held, NUM_ITEMS, held_out)


def divided(activity: list[int], most_parts: int) -> tuple[ClientPart, ...]:
    return divide_clients(some_dataset(activity), np.array(activity), most_parts)


# --- the parts ---


@given(activities, st.integers(1, 6))
@some_examples
def test_parts_are_what_the_data_set_has_of_their_clients(activity, most_parts):
    whole, parts = some_dataset(activity), divided(activity, most_parts)
    assert len(parts) == min(most_parts, np.count_nonzero(activity))
    clients = np.concatenate([part.client_ids for part in parts])
    pairs = np.concatenate([part.pair_ids for part in parts])
    np.testing.assert_array_equal(clients, np.arange(len(activity)))
    np.testing.assert_array_equal(pairs, np.arange(sum(activity)))
    share = sum(activity) / len(parts)
    for own, ids, number in parts:
        assert (own.name, own.num_items) == (whole.name, whole.num_items)
        assert own.num_users == ids.size
        users, items = whole.train_users[number], whole.train_items[number]
        np.testing.assert_array_equal(own.train_users + ids[0], users)
        np.testing.assert_array_equal(own.train_items, items)
        np.testing.assert_array_equal(own.test_items, whole.test_items[ids])
        # No more than one client above its share of the work.
        assert 0 < number.size < share + max(activity)


def test_work_is_what_is_balanced_not_clients_or_pairs():
    activity = [5, 5, 5, 5, 1, 1, 1, 1]
    work = np.array([1, 1, 1, 1, 1, 1, 9, 1])
    parts = divide_clients(some_dataset(activity), work, 2)
    assert [part.client_ids.tolist() for part in parts] == [[*range(7)], [7]]


def test_clients_without_pairs_stay_with_their_neighbours():
    parts = divided([0, 2, 0, 0, 2, 0], 2)
    assert [part.client_ids.tolist() for part in parts] == [[0, 1, 2, 3], [4, 5]]


def test_in_one_part_the_data_set_is_what_it_was():
    dataset = some_dataset([3, 0, 1])
    (part,) = divide_clients(dataset, dataset.user_activity, 1)
    assert part.dataset is dataset


# --- joined ---


class Record(NamedTuple):
    """Arrays of all kinds, with so many members."""

    numbers: np.ndarray
    rows: np.ndarray
    marks: np.ndarray


def record(length: int) -> Record:
    random = np.random.default_rng(length)
    return Record(
        random.integers(1, 100, length).astype(np.int32),
        random.normal(1, 0.1, (length, 2)).astype(np.float32),
        np.ones(length, bool),
    )


lengths = st.lists(st.integers(0, 6), min_size=2, max_size=4)


def joined(sizes: list[int], number: int) -> list[Record]:
    """So many records joined to a number of parts, and taken apart again."""
    whole = join_parts([record(size) for size in sizes], number)
    apart = [np.split(field, number) for field in whole]
    return [Record(*fields) for fields in zip(*apart, strict=True)]


@given(lengths, st.integers(0, 2))
@some_examples
def test_each_part_stands_at_its_place_filled_up_to_the_longest(sizes, missing):
    """With its last numbers, so that what ascends still does, and without a mark."""
    found = joined(sizes, len(sizes) + missing)
    for part, size in zip(found, [*sizes, *[0] * missing], strict=True):
        assert not part.marks[size:].any()
        for field, expected in zip(part, record(size), strict=True):
            assert field.dtype == expected.dtype
            assert len(field) == max(sizes)
            np.testing.assert_array_equal(field[:size], expected)
        for field, own in zip(part[:2], record(size)[:2], strict=True):
            last = own[-1] if size else np.zeros_like(field[:1])
            filling = field[size:]
            np.testing.assert_array_equal(filling, np.broadcast_to(last, filling.shape))


@pytest.mark.parametrize("number", [1, 3])
def test_parts_of_the_device_s_arrays_may_be_nested(number):
    part = {"a": (jnp.arange(4), jnp.ones((4, 2)))}
    whole = join_parts([part], number)
    filled = functools.partial(np.pad, mode="constant")

    def expected(leaf: jax.Array) -> np.ndarray:
        rest = [(0, 0)] * (leaf.ndim - 1)
        return filled(np.asarray(leaf), [(0, 4 * (number - 1)), *rest])

    jax.tree.map(np.testing.assert_array_equal, whole, jax.tree.map(expected, part))


def test_a_single_part_is_not_touched():
    only = record(3)
    assert join_parts([only], 1) is only
