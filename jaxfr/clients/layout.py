"""The clients' interactions as padded tensors, made once on the host."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.padding import SizeGroup, group_by_size
from jaxfr.sampling import PADDING_ITEM


class ClientGroup(NamedTuple):
    """Clients of like activity, padded to one number of training items.

    Attributes:
        client: their ids, int32 ``[clients]``.
        pair: the training pair's place in the data set, 0 where there is none, int32
            ``[clients, width]``.
        positives: training items in the data set's order, padded with
            ``PADDING_ITEM``, int32 ``[clients, width]``.
        training_items: the same, ascending, int32 ``[clients, width]``.
        test_item: held-out item, 0 where there is none, int32 ``[clients]``.
        has_test_item: whether the client is evaluated, bool ``[clients]``.
    """

    client: Array
    pair: Array
    positives: Array
    training_items: Array
    test_item: Array
    has_test_item: Array


def plan_clients(dataset: Dataset, max_groups: int) -> tuple[ClientGroup, ...]:
    """Pads all clients, grouped so that padding stays small.

    Args:
        dataset: the data.
        max_groups: number of groups at most; each is a piece of the compiled program.
    """
    activity = dataset.user_activity
    start = np.cumsum(activity) - activity

    def pad(group: SizeGroup) -> ClientGroup:
        offset = np.arange(group.width)
        real = offset < activity[group.members][:, None]
        pair = np.where(real, start[group.members][:, None] + offset, 0)
        positives = np.where(real, dataset.train_items[pair], PADDING_ITEM)
        test_item = dataset.test_items[group.members]
        return ClientGroup(
            client=jnp.asarray(group.members, jnp.int32),
            pair=jnp.asarray(pair, jnp.int32),
            positives=jnp.asarray(positives, jnp.int32),
            training_items=jnp.asarray(np.sort(positives, axis=1), jnp.int32),
            test_item=jnp.asarray(np.maximum(test_item, 0), jnp.int32),
            has_test_item=jnp.asarray(test_item != NO_TEST_ITEM),
        )

    return tuple(pad(group) for group in group_by_size(activity, max_groups))


def rows_by_client(groups: tuple[ClientGroup, ...]) -> Array:
    """The order of upload rows in which clients ascend, int32 ``[rows]``.

    Uploads stand group by group; a rule that lets the first row win should not see
    the grouping.
    """
    sender = [np.repeat(np.asarray(g.client), 2 * g.positives.shape[1]) for g in groups]
    order = np.argsort(np.concatenate(sender), kind="stable")
    return jnp.asarray(order, jnp.int32)


def upload_capacity(dataset: Dataset) -> np.ndarray:
    """The most rows that an item may receive from benign clients, int64 ``[m]``.

    Every interaction sends one row. A client with L of m items draws an item that it
    does not hold as a negative with probability ``1 - (1 - 1/(m - L))^L``; these draws
    are independent between clients, so their number exceeds its mean ``mu`` by t with
    a probability of at most ``exp(-mu h(t / mu))``, ``h(x) = (1 + x) ln(1 + x) - x``
    (Bennett). The capacity leaves one chance in 10^9 per item and draw; a run counts
    the rows that find no room, and the programs refuse a run that has any.
    """
    activity = dataset.user_activity.astype(np.float64)
    others = dataset.num_items - activity
    drawn = 1.0 - (1.0 - 1.0 / others) ** activity
    by_holders = np.bincount(
        dataset.train_items, drawn[dataset.train_users], dataset.num_items
    )
    mean = np.maximum(drawn.sum() - by_holders, 1e-12)
    not_holding = dataset.num_users - dataset.item_degree
    drawn_at_most = np.minimum(np.ceil(_bennett_bound(mean)), not_holding)
    return dataset.item_degree + drawn_at_most.astype(np.int64)


def _bennett_bound(mean: np.ndarray, log_chance: float = 20.8) -> np.ndarray:
    """Solves ``mean * h(excess / mean) = log_chance`` and returns mean + excess."""
    low, high = np.zeros_like(mean), log_chance + np.sqrt(2 * log_chance * mean) + 1
    for _ in range(60):
        excess = (low + high) / 2
        ratio = excess / mean
        enough = mean * ((1 + ratio) * np.log1p(ratio) - ratio) >= log_chance
        low, high = np.where(enough, low, excess), np.where(enough, excess, high)
    return mean + high
