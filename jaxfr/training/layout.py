"""All that follows from the data alone, laid out once on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.clients.layout import (
    ClientGroup,
    PairTiles,
    plan_clients,
    plan_tiles,
    upload_capacity,
)
from jaxfr.clients.neighbours import Holders, list_holders
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.evaluation.degree_groups import user_degree_groups
from jaxfr.evaluation.evaluate import HeldOutItems
from jaxfr.sampling import ItemLists, list_items
from jaxfr.uploads import ItemSlots, plan_item_slots

# Each group is a piece of the program: more groups pad less and compile longer. On the
# three data sets six client groups pad to 1.3 to 1.6 times the interactions, and four
# item groups to 1.1 to 1.4 times the planned capacities.
MAX_CLIENT_GROUPS = 6
MAX_ITEM_GROUPS = 4


class Layout(NamedTuple):
    """The data as arrays of fixed shape; the same for every seed.

    Attributes:
        train_users: user of each training pair, ascending, int32 ``[pairs]``.
        train_items: item of each training pair, int32 ``[pairs]``.
        tiles: the training pairs in tiles.
        clients: the clients, whole and padded, in groups of like activity.
        training_items: each client's training items, ascending.
        known_items: the same, and the client's test item.
        test_items: what is evaluated.
        item_slots: tables that hold all rows of each item.
        item_popularity: interactions of each item, training and test, int32 ``[m]``.
        devices: those that a run is spread over, 0, 1, ..., int32 ``[devices]``.
        holders: who holds each item, where neighbours are wanted.
    """

    train_users: Array
    train_items: Array
    tiles: PairTiles
    clients: tuple[ClientGroup, ...]
    training_items: ItemLists
    known_items: ItemLists
    test_items: HeldOutItems
    item_slots: tuple[ItemSlots, ...]
    item_popularity: Array
    devices: Array
    holders: Holders | None = None

    @property
    def num_items(self) -> int:
        """Number of items m."""
        return self.item_popularity.size

    @property
    def num_clients(self) -> int:
        """Number of benign clients n."""
        return self.test_items.item.size


@jax.ensure_compile_time_eval()
def plan_layout(
    dataset: Dataset,
    devices: int = 1,
    pseudo_items: int = 0,
    with_neighbours: bool = False,
) -> Layout:
    """Lays out a data set, on the host even where it is called while tracing.

    Args:
        dataset: the data.
        devices: over how many devices a run is spread, see ``Configuration``.
        pseudo_items: of each client, see ``Configuration``.
        with_neighbours: whether clients are sent neighbours of their items.
    """
    users, items = dataset.train_users, dataset.train_items
    exists = dataset.test_items != NO_TEST_ITEM
    evaluated = np.flatnonzero(exists)
    return Layout(
        train_users=jnp.asarray(users, jnp.int32),
        train_items=jnp.asarray(items, jnp.int32),
        tiles=plan_tiles(dataset, devices),
        clients=plan_clients(dataset, MAX_CLIENT_GROUPS),
        training_items=list_items(users, items, dataset.num_users),
        known_items=list_items(
            np.concatenate([users, evaluated]),
            np.concatenate([items, dataset.test_items[evaluated]]),
            dataset.num_users,
        ),
        test_items=HeldOutItems(
            item=jnp.asarray(np.maximum(dataset.test_items, 0), jnp.int32),
            exists=jnp.asarray(exists),
            degree_group=jnp.asarray(user_degree_groups(dataset)),
        ),
        item_slots=plan_item_slots(
            upload_capacity(dataset, pseudo_items), MAX_ITEM_GROUPS, devices
        ),
        item_popularity=jnp.asarray(dataset.item_popularity, jnp.int32),
        devices=jnp.arange(devices, dtype=jnp.int32),
        holders=list_holders(dataset) if with_neighbours else None,
    )
