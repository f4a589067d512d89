"""What follows from the data alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.data.dataset import NO_TEST_ITEM
from jaxfr.evaluation.degree_groups import NO_GROUP, user_degree_groups
from jaxfr.sampling import ItemLists
from jaxfr.training.layout import plan_layout
from tests.training.problem import (
    NUM_ITEMS,
    NUM_USERS,
    per_client,
    small_dataset,
    small_layout,
)


def test_the_layout_has_the_sizes_and_counts_of_the_data():
    dataset, layout = small_dataset(), small_layout()
    assert (layout.num_clients, layout.num_items) == (NUM_USERS, NUM_ITEMS)
    np.testing.assert_array_equal(layout.item_popularity, dataset.item_popularity)
    np.testing.assert_array_equal(layout.train_users, dataset.train_users)
    np.testing.assert_array_equal(layout.train_items, dataset.train_items)
    np.testing.assert_array_equal(
        np.diff(layout.training_items.start), dataset.user_activity
    )
    evaluated = dataset.test_items != NO_TEST_ITEM
    np.testing.assert_array_equal(layout.test_items.exists, evaluated)
    np.testing.assert_array_equal(
        np.asarray(layout.test_items.item)[evaluated], dataset.test_items[evaluated]
    )
    assert 0 < evaluated.sum() < NUM_USERS


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_there_is_room_for_the_rows_of_every_item(devices):
    layout = small_layout(devices)
    items = np.concatenate([slots.items for slots in layout.item_slots])
    np.testing.assert_array_equal(np.sort(items[items < NUM_ITEMS]), range(NUM_ITEMS))
    for slots in layout.item_slots:
        np.testing.assert_array_equal(slots.slots, np.arange(slots.slots.size))
        assert slots.items.size % devices == 0


def split(lists: ItemLists) -> list[np.ndarray]:
    return np.split(np.asarray(lists.items), np.asarray(lists.start)[1:-1])


def test_training_items_and_known_items_are_each_client_s_in_ascending_order():
    dataset, layout = small_dataset(), small_layout()
    positives, test_items = per_client(dataset.train_items), dataset.test_items
    training, known = split(layout.training_items), split(layout.known_items)
    assert len(training) == len(known) == NUM_USERS
    for client, own in enumerate(positives):
        np.testing.assert_array_equal(training[client], np.sort(own))
        with_test_item = np.setdiff1d([*own, test_items[client]], NO_TEST_ITEM)
        np.testing.assert_array_equal(known[client], with_test_item)


@pytest.mark.parametrize("devices", [2, 3, 4])
def test_nothing_but_tiles_and_tables_depends_on_the_number_of_devices(devices):
    one, several = small_layout(), small_layout(devices)
    np.testing.assert_array_equal(several.devices, range(devices))
    several = several._replace(
        tiles=one.tiles, item_slots=one.item_slots, devices=one.devices
    )
    jax.tree.map(np.testing.assert_array_equal, several, one)


def test_each_client_is_in_the_degree_group_of_its_test_item():
    groups = small_layout().test_items.degree_group
    np.testing.assert_array_equal(groups, user_degree_groups(small_dataset()))
    assert NO_GROUP in groups


def test_a_layout_is_made_of_numbers_also_while_tracing():
    made = []

    @jax.jit
    def traced(x: jax.Array) -> jax.Array:
        made.append(plan_layout(small_dataset()))
        return x

    traced(jnp.zeros(()))
    jax.tree.map(np.testing.assert_array_equal, made[0], small_layout())


def test_holders_are_listed_where_neighbours_are_wanted():
    assert small_layout().holders is None
    holders = small_layout(with_neighbours=True).holders
    assert holders is not None
    np.testing.assert_array_equal(
        holders.of_pairs.degree,
        small_dataset().item_degree[small_dataset().train_items],
    )
