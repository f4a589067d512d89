"""What follows from the data alone, and where it lies."""

import functools
import itertools
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.clients.dividing import divide_clients
from jaxfr.clients.graph import NO_NEIGHBOUR
from jaxfr.clients.tensors import cheapest_width, num_tiles, upload_capacity
from jaxfr.data.dataset import NO_TEST_ITEM
from jaxfr.devices import OWN, placement
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import item_degree_groups, user_degree_groups
from jaxfr.experiment import Experiment
from jaxfr.models import fedgnn
from jaxfr.sampling import ItemLists
from jaxfr.training import Layout, Setup, TrainingState
from jaxfr.training.layout import (
    in_client_order,
    in_pair_order,
    layout_for,
    plan_layout,
)
from tests.training.problem import (
    DIM,
    NUM_ITEMS,
    NUM_USERS,
    ROOM,
    changed,
    compiled_start,
    configured,
    small_dataset,
    small_layout,
    two_clients,
    uneven_dataset,
)


def split(lists: ItemLists) -> list[np.ndarray]:
    items, start = np.asarray(lists.items), np.asarray(lists.start)
    return [items[begin:end] for begin, end in itertools.pairwise(start)]


def test_a_layout_is_made_of_numbers_also_while_tracing():
    made = []

    @jax.jit
    def traced(x: jax.Array) -> jax.Array:
        made.append(plan_layout(small_dataset(), malicious_clients=ROOM))
        return x

    traced(jnp.zeros(()))
    jax.tree.map(np.testing.assert_array_equal, made[0], small_layout())


def test_there_is_room_for_as_many_malicious_clients_as_are_wanted():
    layout = small_layout()
    assert layout.malicious_clients == ROOM
    assert layout.num_server_ids == NUM_USERS + ROOM
    more = layout.with_room(9)
    np.testing.assert_array_equal(more.malicious_room, range(9))
    rest = more._replace(malicious_room=layout.malicious_room)
    jax.tree.map(np.testing.assert_array_equal, rest, layout)


def test_a_layout_for_an_experiment_is_planned_with_what_it_asks_for():
    experiment = changed(by_client, malicious_clients=2)
    found = layout_for(experiment, small_dataset())
    expected = plan_layout(small_dataset(), 1, 2, PSEUDO, with_neighbours=True)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    plain = layout_for(configured("none", "mean"), small_dataset())
    jax.tree.map(np.testing.assert_array_equal, plain, small_layout())


def test_as_many_devices_as_there_are_are_accepted_and_no_other_number():
    existing = jax.device_count()
    for number in range(1, existing + 1):
        assert plan_layout(small_dataset(), number).num_devices == number
    message = f"^num_devices={existing + 1}: JAX has {existing}$"
    with pytest.raises(InvalidInputError, match=message):
        plan_layout(small_dataset(), existing + 1)


# --- over several devices ---

T = TypeVar("T")

takes_four = pytest.mark.skipif("jax.device_count() < 4", reason="takes four devices")
SETS = {"even": small_dataset, "uneven": uneven_dataset, "two clients": two_clients}
PSEUDO, NEIGHBOURS = 2, 3

every_plan = pytest.mark.parametrize(
    ("name", "devices"),
    [("uneven", 1), ("uneven", 3), ("even", 2), ("two clients", 4)],
)


@functools.cache
def planned(name: str, devices: int) -> Layout:
    return plan_layout(SETS[name](), devices, ROOM, PSEUDO, with_neighbours=True)


def of_each_device(values: T, devices: int) -> list[T]:
    """The parts of arrays in which they stand in a row, in NumPy."""
    leaves, structure = jax.tree.flatten(values)
    parts = zip(*(np.split(np.asarray(leaf), devices) for leaf in leaves), strict=True)
    return [jax.tree.unflatten(structure, part) for part in parts]


def own_fields(layout: Layout, devices: int) -> list[Layout]:
    """Each device's fields of a layout, of those that are its own."""
    common = {
        name: () for name, where in placement(layout)._asdict().items() if where != OWN
    }
    return of_each_device(layout._replace(**common), devices)


@takes_four
@every_plan
def test_what_belongs_to_clients_is_divided_and_what_belongs_to_items_is_copied(
    name, devices
):
    layout = planned(name, devices)
    assert layout.holders is not None
    of_clients = {
        *("client_ids", "is_client", "pair_ids", "train_users", "train_items"),
        *("tiles", "clients", "training_items", "known_items", "test_items"),
    }
    parts = {name: getattr(layout, name) for name in layout._fields}
    parts["holders"], parts["of_pairs"] = layout.holders.user, layout.holders.of_pairs
    for part, values in parts.items():
        divided = devices > 1 and (part in of_clients or part == "of_pairs")
        for leaf in jax.tree.leaves(values):
            assert len(leaf.sharding.device_set) == devices
            assert leaf.sharding.is_fully_replicated == (not divided), part
            shards = [shard.data.shape for shard in leaf.addressable_shards]
            own = leaf.shape[0] // devices if divided else leaf.shape[0]
            assert shards == [(own, *leaf.shape[1:])] * devices


@takes_four
@every_plan
def test_every_client_is_whole_on_one_device_and_follows_the_one_before(name, devices):
    """Also where there are more devices than clients, so that some have none."""
    dataset, layout, seen = SETS[name](), planned(name, devices), []
    width = layout.tiles.pair.shape[1]
    needed = num_tiles(dataset.user_activity, width)
    share = needed.sum() / min(devices, dataset.num_users)
    for own in own_fields(layout, devices):
        clients = own.client_ids[own.is_client]
        seen += clients.tolist()
        pairs = np.flatnonzero(np.isin(dataset.train_users, clients))
        ids = np.asarray(own.pair_ids)[: pairs.size]
        np.testing.assert_array_equal(ids, pairs)
        users = np.asarray(own.client_ids)[own.train_users][: pairs.size]
        np.testing.assert_array_equal(users, dataset.train_users[pairs])
        items = np.asarray(own.train_items)[: pairs.size]
        np.testing.assert_array_equal(items, dataset.train_items[pairs])
        number = np.asarray(own.tiles.pair)[own.tiles.present]
        np.testing.assert_array_equal(number, np.arange(pairs.size))
        # At most one client more than its share of tiles.
        assert np.count_nonzero(own.tiles.present.any(axis=1)) < share + needed.max()
    assert seen == list(range(dataset.num_users))


@takes_four
@every_plan
def test_each_device_knows_what_its_clients_hold_and_are_tested_on(name, devices):
    dataset = SETS[name]()
    positives = np.split(dataset.train_items, np.cumsum(dataset.user_activity)[:-1])
    degree_group = user_degree_groups(dataset)
    for own in own_fields(planned(name, devices), devices):
        held, known = split(own.training_items), split(own.known_items)
        exists = own.is_client & (dataset.test_items[own.client_ids] != NO_TEST_ITEM)
        np.testing.assert_array_equal(own.test_items.exists, exists)
        for row in np.flatnonzero(own.is_client):
            client = own.client_ids[row]
            np.testing.assert_array_equal(held[row], np.sort(positives[client]))
            both = [*positives[client], dataset.test_items[client]]
            np.testing.assert_array_equal(known[row], np.setdiff1d(both, NO_TEST_ITEM))
            if exists[row]:
                assert own.test_items.item[row] == dataset.test_items[client]
            assert own.test_items.degree_group[row] == degree_group[client]
        # Whole clients are in groups, which nobody fills up.
        rows = np.concatenate([group.client for group in own.clients])
        real, nobody = np.flatnonzero(own.is_client), own.is_client.size
        np.testing.assert_array_equal(np.sort(rows[rows < nobody]), real)
        assert np.all(rows[rows >= nobody] == nobody)
        for group in own.clients:
            for row in np.flatnonzero(group.client < nobody):
                expected = positives[own.client_ids[group.client[row]]]
                found = np.asarray(group.positives)[row, : expected.size]
                np.testing.assert_array_equal(found, expected)


@takes_four
@every_plan
def test_there_is_room_for_the_rows_of_every_item_on_each_device(name, devices):
    dataset, layout = SETS[name](), planned(name, devices)
    items = np.concatenate([slots.items for slots in layout.item_slots])
    np.testing.assert_array_equal(np.sort(items), range(NUM_ITEMS))
    activity = dataset.user_activity
    work = num_tiles(activity, cheapest_width(activity))
    parts = divide_clients(dataset, work, devices)
    needed = np.max([upload_capacity(part.dataset, PSEUDO) for part in parts], axis=0)
    for slots in layout.item_slots:
        np.testing.assert_array_equal(slots.slots, np.arange(slots.slots.size))
        assert np.all(needed[np.asarray(slots.items)] <= slots.slots.size)


@takes_four
@every_plan
def test_what_belongs_to_all_is_that_of_the_data_set(name, devices):
    dataset, layout = SETS[name](), planned(name, devices)
    for found, expected in (
        (layout.client_activity, dataset.user_activity),
        (layout.item_popularity, dataset.item_popularity),
        (layout.item_degree, dataset.item_degree),
        (layout.item_third, item_degree_groups(dataset.item_degree)),
        (layout.devices, range(devices)),
    ):
        np.testing.assert_array_equal(found, expected)


@takes_four
@every_plan
def test_values_of_clients_and_pairs_are_brought_into_the_order_of_the_data_set(
    name, devices
):
    dataset, layout = SETS[name](), planned(name, devices)
    for order, ids, number in (
        (in_client_order, layout.client_ids, dataset.num_users),
        (in_pair_order, layout.pair_ids, dataset.num_train_pairs),
    ):
        values = np.random.default_rng(0).normal(size=(number, 2))
        found = order(layout, jnp.asarray(values, jnp.float32)[ids])
        np.testing.assert_array_equal(found, values.astype(np.float32))


@takes_four
@every_plan
def test_holders_are_named_by_where_their_embeddings_stand(name, devices):
    dataset, layout = SETS[name](), planned(name, devices)
    assert layout.holders is not None
    # Those of the data set, by item, in the order of all devices' clients.
    order = np.argsort(dataset.train_items, kind="stable")
    ids = np.asarray(layout.client_ids)[layout.holders.user]
    np.testing.assert_array_equal(ids, dataset.train_users[order])
    assert np.all(np.asarray(layout.is_client)[layout.holders.user])
    degree = in_pair_order(layout, layout.holders.of_pairs.degree)
    np.testing.assert_array_equal(degree, dataset.item_degree[dataset.train_items])


# --- the start over several devices is that of one, bit for bit ---

by_pairs = configured("spattack_l_s", "median")
by_client = configured(
    "none", "median", model=fedgnn(DIM, NEIGHBOURS), pseudo_items=PSEUDO
)

every_start = pytest.mark.parametrize(
    ("name", "devices"), [("uneven", 3), ("two clients", 4)]
)
every_form = pytest.mark.parametrize(
    "experiment", [by_pairs, by_client], ids=["by pairs", "by client"]
)


@functools.cache
def started(
    experiment: Experiment, name: str, devices: int
) -> tuple[Setup, TrainingState]:
    return compiled_start(experiment, planned(name, devices), jax.random.key(4))


@takes_four
@every_form
@every_start
def test_negatives_candidates_and_embeddings_are_those_of_one_device(
    experiment, name, devices
):
    def drawn(devices: int) -> dict:
        layout = planned(name, devices)
        setup, state = started(experiment, name, devices)
        return {
            "negatives": in_pair_order(layout, setup.pairs.negatives),
            "candidates": in_client_order(layout, setup.candidates),
            "users": in_client_order(layout, state.clients.embedding),
            "items": state.items,
            "weights": state.weights,
            "poisoned": state.items.attack,
            "overflow": setup.pairs.overflow,
            "most uploaded": setup.pairs.most_uploaded,
        }

    found, expected = drawn(devices), drawn(1)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert expected["overflow"] == 0
    assert expected["most uploaded"] > 0


@takes_four
@every_start
def test_neighbours_are_those_of_one_device(name, devices):
    def drawn(devices: int) -> np.ndarray:
        layout = planned(name, devices)
        setup, _ = started(by_client, name, devices)
        places = np.asarray(in_pair_order(layout, setup.neighbours))
        ids = np.asarray(layout.client_ids)[places]
        return np.where(places == NO_NEIGHBOUR, NO_NEIGHBOUR, ids)

    expected = drawn(1)
    np.testing.assert_array_equal(drawn(devices), expected)
    assert np.any(expected != NO_NEIGHBOUR)
