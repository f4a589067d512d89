"""What follows from the data alone."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.data.dataset import NO_TEST_ITEM
from jaxfr.evaluation.degree_groups import NO_GROUP, user_degree_groups
from jaxfr.training.layout import by_client, by_group, plan_layout
from tests.training.problem import NUM_ITEMS, NUM_USERS, small_dataset, small_layout


def test_the_layout_has_the_sizes_and_counts_of_the_data():
    dataset, layout = small_dataset(), small_layout()
    assert (layout.num_clients, layout.num_items) == (NUM_USERS, NUM_ITEMS)
    np.testing.assert_array_equal(layout.item_popularity, dataset.item_popularity)
    np.testing.assert_array_equal(layout.user_activity, dataset.user_activity)
    np.testing.assert_array_equal(layout.train_users, dataset.train_users)
    evaluated = dataset.test_items != NO_TEST_ITEM
    np.testing.assert_array_equal(layout.has_test_item, evaluated)
    assert 0 < evaluated.sum() < NUM_USERS


def test_there_is_room_for_the_rows_of_every_item():
    items = np.concatenate([slots.items for slots in small_layout().item_slots])
    np.testing.assert_array_equal(np.sort(items), np.arange(NUM_ITEMS))
    for slots in small_layout().item_slots:
        np.testing.assert_array_equal(slots.slots, np.arange(slots.slots.size))


def test_splitting_by_group_and_joining_by_client_are_inverse():
    layout = small_layout()
    assert len(layout.clients) == 2
    values = jax.random.normal(jax.random.key(0), (NUM_USERS, 4))
    parts = by_group(layout, values)
    for group, part in zip(layout.clients, parts, strict=True):
        np.testing.assert_array_equal(part, values[group.client])
    np.testing.assert_array_equal(by_client(layout, parts), values)


def test_each_client_is_in_the_degree_group_of_its_test_item():
    groups = np.asarray(by_client(small_layout(), small_layout().degree_groups))
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
