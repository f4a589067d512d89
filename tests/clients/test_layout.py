"""Padded tensors of all clients, and the room that their uploads need."""

import functools

import numpy as np
import pytest

from jaxfr.clients.layout import plan_clients, rows_by_client, upload_capacity
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.data.options import SyntheticSettings
from jaxfr.data.synthetic import make_dataset
from jaxfr.sampling import PADDING_ITEM

SMALL = Dataset(
    name="small",
    num_users=4,
    num_items=9,
    train_users=np.array([0, 0, 1, 2, 2, 2, 2, 3], np.int32),
    train_items=np.array([7, 2, 2, 8, 0, 5, 2, 2], np.int32),
    test_items=np.array([1, NO_TEST_ITEM, 3, 0], np.int32),
)


@functools.cache
def long_tailed(sigma: float = 1.0) -> Dataset:
    settings = SyntheticSettings(
        num_users=600, num_items=300, num_pairs=15_000, activity_sigma=sigma
    )
    return make_dataset(settings)


@pytest.mark.parametrize("max_groups", [1, 2, 6])
@pytest.mark.parametrize("dataset", [SMALL, long_tailed()], ids=["small", "long"])
def test_without_the_padding_the_groups_are_the_data_set(dataset, max_groups):
    groups = plan_clients(dataset, max_groups)
    assert len(groups) <= max_groups
    seen = []
    for group in groups:
        for row, client in enumerate(np.asarray(group.client)):
            seen.append(int(client))
            own = dataset.train_items[dataset.train_users == client]
            positives = np.asarray(group.positives)[row]
            np.testing.assert_array_equal(positives[: own.size], own)
            assert np.all(positives[own.size :] == PADDING_ITEM)
            ascending = np.asarray(group.training_items)[row]
            np.testing.assert_array_equal(ascending[: own.size], np.sort(own))
            assert np.all(ascending[own.size :] == PADDING_ITEM)
            pair = np.asarray(group.pair)[row, : own.size]
            np.testing.assert_array_equal(dataset.train_users[pair], client)
            np.testing.assert_array_equal(dataset.train_items[pair], own)
            has_test_item = dataset.test_items[client] != NO_TEST_ITEM
            assert group.has_test_item[row] == has_test_item
            assert group.test_item[row] == max(dataset.test_items[client], 0)
    assert sorted(seen) == list(range(dataset.num_users))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_padding_is_at_most_twice_the_real_interactions(sigma):
    dataset = long_tailed(sigma)
    padded = sum(group.positives.size for group in plan_clients(dataset, 6))
    assert dataset.num_train_pairs <= padded <= 2 * dataset.num_train_pairs
    unbucketed = dataset.num_users * dataset.user_activity.max()
    assert unbucketed > 2 * dataset.num_train_pairs


@pytest.mark.parametrize("max_groups", [1, 3])
def test_in_row_order_clients_ascend_and_each_keeps_the_order_of_its_rows(max_groups):
    groups = plan_clients(SMALL, max_groups)
    sender = np.concatenate(
        [np.repeat(group.client, 2 * group.positives.shape[1]) for group in groups]
    )
    order = np.asarray(rows_by_client(groups))
    np.testing.assert_array_equal(np.sort(order), np.arange(sender.size))
    np.testing.assert_array_equal(sender[order], np.sort(sender))
    assert np.all((np.diff(order) > 0) | (np.diff(sender[order]) > 0))


# --- room for uploads ---


def count_rows(dataset: Dataset, random: np.random.Generator) -> np.ndarray:
    """Rows of each item in one round: who holds it or drew it as a negative."""
    counts = np.zeros(dataset.num_items, int)
    for held in np.split(dataset.train_items, np.cumsum(dataset.user_activity)[:-1]):
        others = np.setdiff1d(np.arange(dataset.num_items), held)
        counts[held] += 1
        counts[np.unique(random.choice(others, held.size))] += 1
    return counts


def test_the_capacity_bounds_the_rows_over_many_seeds_and_is_not_wasteful():
    dataset = long_tailed()
    capacity = upload_capacity(dataset)
    random = np.random.default_rng(0)
    counts = np.array([count_rows(dataset, random) for _ in range(30)])
    assert np.all(counts <= capacity)
    assert np.all(capacity <= dataset.num_users)
    # A bound of 10^-9 lies about six deviations above the mean.
    room = (capacity - counts.mean(axis=0)) / np.maximum(counts.std(axis=0), 1)
    assert np.median(room) < 9


def test_the_capacity_is_exact_where_chance_has_no_say():
    # Each of two clients holds two of three items and draws the third.
    dataset = Dataset(
        name="certain",
        num_users=2,
        num_items=3,
        train_users=np.array([0, 0, 1, 1], np.int32),
        train_items=np.array([0, 1, 1, 2], np.int32),
        test_items=np.array([2, NO_TEST_ITEM], np.int32),
    )
    np.testing.assert_array_equal(upload_capacity(dataset), [2, 2, 2])


def test_the_capacity_holds_at_least_everyone_who_may_draw_the_item_in_a_small_set():
    capacity = upload_capacity(SMALL)
    np.testing.assert_array_equal(capacity, np.full(SMALL.num_items, 4))
