"""Tiles and padded tensors of all clients, and the room that their uploads need."""

import functools

import jax
import numpy as np
import pytest

from jaxfr.clients.tensors import (
    TILE_WIDTHS,
    PairTiles,
    client_widths,
    join_groups,
    num_tiles,
    plan_clients,
    plan_tiles,
    upload_capacity,
)
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.data.synthetic import synthetic_dataset
from jaxfr.sampling import PADDING_ITEM
from tests.datasets import dataset_of

SMALL = dataset_of([[7, 2], [2], [8, 0, 5, 2], [2]], 9, [1, NO_TEST_ITEM, 3, 0])

# The first, the last and two other users hold nothing.
GAPPY = dataset_of([[], [7, 2, 3, 8, 0], [], [], [5], [2, 1], []], 9)


@functools.cache
def long_tailed(sigma: float = 1.0) -> Dataset:
    return synthetic_dataset(
        num_users=600, num_items=300, num_pairs=15_000, activity_sigma=sigma
    )


@pytest.mark.parametrize("max_groups", [1, 2, 6])
@pytest.mark.parametrize("dataset", [SMALL, long_tailed()], ids=["small", "long"])
def test_without_the_padding_the_groups_are_the_data_set(dataset, max_groups):
    groups = plan_clients(dataset, client_widths(dataset.user_activity, max_groups))
    assert len(groups) <= max_groups
    seen = []
    for group in groups:
        for row, client in enumerate(np.asarray(group.client)):
            seen.append(int(client))
            own = dataset.train_items[dataset.train_users == client]
            positives = np.asarray(group.positives)[row]
            np.testing.assert_array_equal(positives[: own.size], own)
            assert np.all(positives[own.size :] == PADDING_ITEM)
            pair = np.asarray(group.pair)[row, : own.size]
            np.testing.assert_array_equal(dataset.train_users[pair], client)
            np.testing.assert_array_equal(dataset.train_items[pair], own)
            test_item = dataset.test_items[client]
            expected = PADDING_ITEM if test_item == NO_TEST_ITEM else test_item
            assert group.test_item[row] == expected
    assert sorted(seen) == list(range(dataset.num_users))


NOBODY = 100


def test_groups_of_all_parts_stand_in_a_row_filled_up_with_nobody():
    widths = 1, 2, 4, 5  # the last two fit clients of one part only
    parts = [plan_clients(dataset, widths) for dataset in (GAPPY, SMALL)]
    for joined, groups in zip(
        join_groups(parts, 3, NOBODY), zip(*parts, strict=True), strict=True
    ):
        most = max(group.client.size for group in groups)
        clients = np.asarray(joined.client).reshape(3, most)
        positives = np.asarray(joined.positives).reshape(3, most, -1)
        for part, group in enumerate(groups):
            own = group.client.size
            np.testing.assert_array_equal(clients[part, :own], group.client)
            np.testing.assert_array_equal(positives[part, :own], group.positives)
            assert np.all(clients[part, own:] == NOBODY)
        assert np.all(clients[2] == NOBODY)


# --- tiles ---


def tiles_of(dataset: Dataset, width: int) -> PairTiles:
    """In NumPy."""
    return jax.tree.map(np.asarray, plan_tiles(dataset, width))


@pytest.mark.parametrize("width", [1, 2, 16])
@pytest.mark.parametrize(
    "dataset", [SMALL, GAPPY, long_tailed()], ids=["small", "gappy", "long"]
)
def test_without_the_padding_the_tiles_are_the_data_set(dataset, width):
    tiles = tiles_of(dataset, width)
    assert tiles.pair.shape == tiles.present.shape == (tiles.client.size, width)
    pairs = np.arange(dataset.num_train_pairs)
    np.testing.assert_array_equal(tiles.pair[tiles.present], pairs)
    # Padding copies pairs of the tile's own client.
    owner = dataset.train_users[tiles.pair]
    np.testing.assert_array_equal(owner, np.tile(tiles.client[:, None], width))
    assert np.all(np.diff(tiles.client) >= 0)
    # Every pair is found at its place.
    np.testing.assert_array_equal(tiles.pair.ravel()[tiles.place], pairs)
    assert np.all(tiles.present.ravel()[tiles.place])
    needed = np.ceil(dataset.user_activity / width)
    found = np.bincount(tiles.client, minlength=dataset.num_users)
    np.testing.assert_array_equal(found, needed)
    np.testing.assert_array_equal(num_tiles(dataset.user_activity, width), needed)


@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_of_all_widths_the_default_has_the_fewest_pairs_and_tiles_together(sigma):
    dataset = long_tailed(sigma)
    by_default = plan_tiles(dataset)
    sizes = {
        width: tiles.pair.size + tiles.client.size
        for width in TILE_WIDTHS
        for tiles in [plan_tiles(dataset, width=width)]
    }
    assert sizes[by_default.pair.shape[1]] == min(sizes.values())


# --- room for uploads ---


def count_rows(
    dataset: Dataset, random: np.random.Generator, pseudo_items: int = 0
) -> np.ndarray:
    """Rows of each item in one round: who holds it or drew it, as whatever."""
    counts = np.zeros(dataset.num_items, int)
    for held in np.split(dataset.train_items, np.cumsum(dataset.user_activity)[:-1]):
        others = np.setdiff1d(np.arange(dataset.num_items), held)
        counts[held] += 1
        counts[np.unique(random.choice(others, held.size + pseudo_items))] += 1
    return counts


@pytest.mark.parametrize("pseudo_items", [0, 15])
def test_the_capacity_bounds_the_rows_over_many_seeds_and_is_not_wasteful(pseudo_items):
    dataset = long_tailed()
    capacity = upload_capacity(dataset, pseudo_items)
    random = np.random.default_rng(0)
    counts = np.array([count_rows(dataset, random, pseudo_items) for _ in range(30)])
    assert np.all(counts <= capacity)
    assert np.all(capacity <= dataset.num_users)
    # A bound of 10^-9 lies about six deviations above the mean.
    room = (capacity - counts.mean(axis=0)) / np.maximum(counts.std(axis=0), 1)
    assert np.median(room) < 9


def test_the_capacity_is_exact_where_chance_has_no_say():
    # Each of two clients holds two of three items and draws the third.
    dataset = dataset_of([[0, 1], [1, 2]], 3, [2, NO_TEST_ITEM])
    np.testing.assert_array_equal(upload_capacity(dataset), [2, 2, 2])


@pytest.mark.parametrize("pseudo_items", [0, 15])
def test_given_negatives_have_room_although_nobody_would_draw_them(pseudo_items):
    dataset = long_tailed()
    drawn = upload_capacity(dataset, pseudo_items)
    # All clients that may draw the last item do, again and again.
    last = dataset.num_items - 1
    holders = dataset.train_users[dataset.train_items == last]
    free = ~np.isin(dataset.train_users, holders)
    unheld = np.argmin(dataset.item_degree)
    given = np.where(free, last, unheld)
    capacity = upload_capacity(dataset, pseudo_items, negatives=given)
    assert drawn[last] < dataset.num_users == capacity[last]
    others = np.setdiff1d(np.arange(dataset.num_items), np.array([last, unheld]))
    np.testing.assert_array_equal(capacity[others], drawn[others])
