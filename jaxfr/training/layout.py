"""All that follows from the data alone, laid out once on the host."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from jaxfr.clients.dividing import ClientPart, divide_clients, join_parts
from jaxfr.clients.graph import Holders, list_holders
from jaxfr.clients.tensors import (
    LOG_CHANCE,
    LOG_CHANCE_WITH_MORE_ROOM,
    ClientGroup,
    PairTiles,
    cheapest_width,
    client_widths,
    join_groups,
    num_tiles,
    plan_clients,
    plan_tiles,
    upload_capacity,
)
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.devices import Own, as_int32, place, placement, replicate
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import item_degree_groups, user_degree_groups
from jaxfr.evaluation.evaluate import HeldOutItems
from jaxfr.experiment import Experiment
from jaxfr.jax_settings import find_devices
from jaxfr.processes import fetch
from jaxfr.sampling import ItemLists, list_items
from jaxfr.showing import by_shapes
from jaxfr.uploads import ItemSlots, plan_item_slots

# Each group is a piece of the program: more groups pad less and compile longer. On the
# three data sets six client groups pad to 1.3 to 1.6 times the interactions, and four
# item groups to 1.1 to 1.4 times the planned capacities.
MAX_CLIENT_GROUPS = 6
MAX_ITEM_GROUPS = 4

# Where rounds are long, padding costs more than compiling: twelve item groups pad
# 10^7 pairs with a long tail to 1.6 times the rows, four to 2.4.
LARGE_DATA_PAIRS = 5 * 10**6
MAX_ITEM_GROUPS_OF_LARGE_DATA = 12


@by_shapes
class Layout(NamedTuple):
    """The data as arrays of fixed shape; the same for every seed.

    Where a run is spread over devices, each has its own clients, which follow one
    another in the data set, and what belongs to them; clients and pairs are numbered
    within that part. Outside of ``spread`` the parts stand one behind the other, filled
    up to one length (see ``join_parts``).

    Attributes:
        client_ids: the number of each client among all, ascending, int32 ``[n]``.
        is_client: whether it is one and no filling, bool ``[n]``.
        pair_ids: the number of each training pair among all, int32 ``[pairs]``.
        train_users: user of each training pair, ascending, int32 ``[pairs]``.
        train_items: item of each training pair, int32 ``[pairs]``.
        tiles: the training pairs in tiles.
        clients: the clients, whole and padded, in groups of like activity.
        training_items: each client's training items, ascending.
        known_items: the same, and the client's test item.
        test_items: what is evaluated.
        item_slots: tables that hold all rows of each item.
        client_activity: training items of each of all clients, on every device, int32
            ``[all clients]``.
        item_popularity: interactions of each item, training and test, int32 ``[m]``.
        item_degree: training interactions of each item, int32 ``[m]``.
        item_third: index into ``GROUP_NAMES`` of each item, int32 ``[m]``.
        devices: those that a run is spread over, 0, 1, ..., int32 ``[devices]``.
        malicious_room: numbers of the malicious clients that there is room for, 0, 1,
            ..., int32 ``[malicious_clients]``; an experiment says how many exist.
        holders: who holds each item, where neighbours are wanted.
    """

    client_ids: Own[Array]
    is_client: Own[Array]
    pair_ids: Own[Array]
    train_users: Own[Array]
    train_items: Own[Array]
    tiles: Own[PairTiles]
    clients: Own[tuple[ClientGroup, ...]]
    training_items: Own[ItemLists]
    known_items: Own[ItemLists]
    test_items: Own[HeldOutItems]
    item_slots: tuple[ItemSlots, ...]
    client_activity: Array
    item_popularity: Array
    item_degree: Array
    item_third: Array
    devices: Array
    malicious_room: Array
    holders: Holders | None = None

    @property
    def num_items(self) -> int:
        """Number of items m."""
        return self.item_popularity.size

    @property
    def num_clients(self) -> int:
        """Number of all benign clients."""
        return self.client_activity.size

    @property
    def malicious_clients(self) -> int:
        """For how many malicious clients there is room."""
        return self.malicious_room.size

    @property
    def num_server_ids(self) -> int:
        """How many ids the server has for all of them."""
        return self.num_clients + self.malicious_clients

    @property
    def num_devices(self) -> int:
        """Over how many devices a run is spread."""
        return self.devices.size

    def with_room(self, malicious_clients: int) -> "Layout":
        """The same with room for so many malicious clients."""
        room = as_int32(np.arange(malicious_clients))
        return self._replace(malicious_room=replicate(room, self.num_devices))


@jax.ensure_compile_time_eval()
def plan_layout(
    dataset: Dataset,
    devices: int = 1,
    malicious_clients: int = 0,
    pseudo_items: int = 0,
    with_neighbours: bool = False,
    more_room: bool = False,
    negatives: np.ndarray | None = None,
) -> Layout:
    """Lays out a data set, on the host even where it is called while tracing.

    Args:
        dataset: the data.
        devices: over how many devices a run is spread.
        malicious_clients: for how many there is to be room.
        pseudo_items: of each client, see ``Experiment``.
        with_neighbours: whether clients are sent neighbours of their items.
        more_room: for each item's rows, where a run did not find enough; it costs
            memory and time.
        negatives: those that the run is given, see ``GivenValues``, or None.

    Returns:
        The layout, each part on its device.

    Raises:
        InvalidInputError: if there are not so many devices.
    """
    # One device is there without starting JAX to look.
    if devices > 1 and devices > len(find_devices()):
        raise InvalidInputError(f"num_devices={devices}: JAX has {len(find_devices())}")
    activity = dataset.user_activity
    width = cheapest_width(activity)
    parts = divide_clients(dataset, num_tiles(activity, width), devices)
    widths = client_widths(activity, MAX_CLIENT_GROUPS)
    groups = [plan_clients(part.dataset, widths) for part in parts]
    most = max(part.dataset.num_users for part in parts)
    degree_group = user_degree_groups(dataset)
    own = join_parts([_lay_out(part, degree_group, width) for part in parts], devices)
    log_chance = LOG_CHANCE_WITH_MORE_ROOM if more_room else LOG_CHANCE
    capacities = [
        upload_capacity(
            part.dataset,
            pseudo_items,
            log_chance,
            None if negatives is None else negatives[part.pair_ids],
        )
        for part in parts
    ]
    layout = own._replace(
        clients=join_groups(groups, devices, nobody=most),
        item_slots=plan_item_slots(
            np.max(capacities, axis=0), max_item_groups(dataset.num_train_pairs)
        ),
        client_activity=as_int32(activity),
        item_popularity=as_int32(dataset.item_popularity),
        item_degree=as_int32(dataset.item_degree),
        item_third=as_int32(item_degree_groups(dataset.item_degree)),
        devices=as_int32(np.arange(devices)),
        malicious_room=as_int32(np.arange(malicious_clients)),
        holders=_holders(dataset, parts, devices, most) if with_neighbours else None,
    )
    return place(layout, placement(layout), devices)


def layout_for(
    experiment: Experiment,
    dataset: Dataset,
    devices: int = 1,
    more_room: bool = False,
    negatives: np.ndarray | None = None,
) -> Layout:
    """``plan_layout`` with what an experiment asks for, room for attackers included.

    Args:
        experiment: from ``Experiment.with_data``.
        dataset: as there.
        devices: as there.
        more_room: as there.
        negatives: as there.
    """
    return plan_layout(
        dataset,
        devices,
        int(np.max(np.asarray(experiment.malicious_clients))),
        experiment.pseudo_items,
        experiment.model.make().neighbours_per_item > 0,
        more_room,
        negatives,
    )


def max_item_groups(num_pairs: int) -> int:
    """In how many groups of like capacity items are put at most."""
    if num_pairs < LARGE_DATA_PAIRS:
        return MAX_ITEM_GROUPS
    return MAX_ITEM_GROUPS_OF_LARGE_DATA


def _lay_out(part: ClientPart, degree_group: np.ndarray, width: int) -> Layout:
    """What belongs to the clients of one device, but for their groups."""
    dataset, nothing = part.dataset, as_int32([])
    users, items = dataset.train_users, dataset.train_items
    exists = dataset.test_items != NO_TEST_ITEM
    evaluated = np.flatnonzero(exists)
    return Layout(
        client_ids=as_int32(part.client_ids),
        is_client=jax.device_put(np.ones(dataset.num_users, bool)),
        pair_ids=as_int32(part.pair_ids),
        train_users=as_int32(users),
        train_items=as_int32(items),
        tiles=plan_tiles(dataset, width),
        clients=(),
        training_items=list_items(users, items, dataset.num_users),
        known_items=list_items(
            np.concatenate([users, evaluated]),
            np.concatenate([items, dataset.test_items[evaluated]]),
            dataset.num_users,
        ),
        test_items=HeldOutItems(
            item=as_int32(np.maximum(dataset.test_items, 0)),
            exists=jax.device_put(exists),
            degree_group=as_int32(degree_group[part.client_ids]),
        ),
        item_slots=(),
        client_activity=nothing,
        item_popularity=nothing,
        item_degree=nothing,
        item_third=nothing,
        devices=nothing,
        malicious_room=nothing,
    )


def _holders(
    dataset: Dataset, parts: Sequence[ClientPart], devices: int, most: int
) -> Holders:
    """The holders of all items, numbered as the parts stand one behind the other."""
    everybody = [
        device * most + np.arange(part.dataset.num_users)
        for device, part in enumerate(parts)
    ]
    holders = list_holders(dataset, np.concatenate(everybody))
    own = [
        holders.of_pairs._make(field[part.pair_ids] for field in holders.of_pairs)
        for part in parts
    ]
    return holders._replace(of_pairs=join_parts(own, devices))


def in_client_order(layout: Layout, values: Array) -> np.ndarray:
    """Of values for each client of all devices, those of the data set's clients.

    Args:
        layout: the data.
        values: ``[n, ...]``, the devices' parts one behind the other.

    Returns:
        ``[all clients, ...]``, in the order of the data set, on the host.
    """
    return _without_filling(layout.client_ids, values)


def in_pair_order(layout: Layout, values: Array) -> np.ndarray:
    """The same for values of each training pair."""
    return _without_filling(layout.pair_ids, values)


def _without_filling(ids: Array, values: Array) -> np.ndarray:
    # Filling repeats an id, so it is no first.
    first = np.unique(fetch(ids), return_index=True)[1]
    return fetch(values)[first]
