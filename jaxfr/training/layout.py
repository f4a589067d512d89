"""All that follows from the data alone, laid out once on the host."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.clients.layout import (
    ClientGroup,
    plan_clients,
    rows_by_client,
    upload_capacity,
)
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.evaluation.degree_groups import user_degree_groups
from jaxfr.uploads import ItemSlots, plan_item_slots

# Each group is a piece of the program: more groups pad less and compile longer. On the
# three data sets six client groups pad to 1.3 to 1.6 times the interactions, and four
# item groups to 1.1 to 1.4 times the planned capacities.
MAX_CLIENT_GROUPS = 6
MAX_ITEM_GROUPS = 4


class Layout(NamedTuple):
    """The data as arrays of fixed shape; the same for every seed.

    Attributes:
        clients: the clients, padded, in groups of like activity.
        degree_groups: for each client group, the degree group of each client's test
            item, int32 ``[clients]``.
        item_slots: tables that hold all rows of each item.
        row_order: order of the upload rows in which clients ascend, int32
            ``[rows]``.
        item_popularity: interactions of each item, training and test, int32 ``[m]``.
        user_activity: training items of each user, int32 ``[n]``.
        train_users: user of each training pair, int32 ``[pairs]``.
        has_test_item: which users are evaluated, bool ``[n]``.
    """

    clients: tuple[ClientGroup, ...]
    degree_groups: tuple[Array, ...]
    item_slots: tuple[ItemSlots, ...]
    row_order: Array
    item_popularity: Array
    user_activity: Array
    train_users: Array
    has_test_item: Array

    @property
    def num_items(self) -> int:
        """Number of items m."""
        return self.item_popularity.size

    @property
    def num_clients(self) -> int:
        """Number of benign clients n."""
        return self.user_activity.size


@jax.ensure_compile_time_eval()
def plan_layout(dataset: Dataset) -> Layout:
    """Lays out a data set, on the host even where it is called while tracing.

    Args:
        dataset: the data.
    """
    clients = plan_clients(dataset, MAX_CLIENT_GROUPS)
    degree_group = user_degree_groups(dataset)
    return Layout(
        clients=clients,
        degree_groups=tuple(
            jnp.asarray(degree_group[np.asarray(group.client)]) for group in clients
        ),
        item_slots=plan_item_slots(upload_capacity(dataset), MAX_ITEM_GROUPS),
        row_order=rows_by_client(clients),
        item_popularity=jnp.asarray(dataset.item_popularity, jnp.int32),
        user_activity=jnp.asarray(dataset.user_activity, jnp.int32),
        train_users=jnp.asarray(dataset.train_users, jnp.int32),
        has_test_item=jnp.asarray(dataset.test_items != NO_TEST_ITEM),
    )


def by_client(layout: Layout, values: tuple[Array, ...]) -> Array:
    """Puts per-group arrays ``[clients, ...]`` into the order of client ids.

    Returns:
        ``[n, ...]``.
    """
    client = jnp.concatenate([group.client for group in layout.clients])
    return jnp.zeros_like(joined := jnp.concatenate(values)).at[client].set(joined)


def by_group(layout: Layout, values: Array) -> tuple[Array, ...]:
    """Splits an array ``[n, ...]`` in the order of client ids by client group."""
    return tuple(values[group.client] for group in layout.clients)
