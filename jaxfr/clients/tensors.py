"""The clients' interactions as padded tensors, made once on the host."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from jaxfr.clients.dividing import join_parts
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.devices import as_int32
from jaxfr.padding import group_by_size
from jaxfr.sampling import PADDING_ITEM
from jaxfr.shapes import Bool, Int

# Pairs in a tile: one of these. The user embedding is fetched, and the user's gradient
# added, once for a tile, which costs about as much as a pair.
TILE_WIDTHS = (4, 8, 16, 32)
PAIRS_PER_TILE_COST = 1

# That an item receives more rows in a draw than there is room for: one in 10^9, and one
# in 10^27 where a run found no room with that.
LOG_CHANCE = 20.8
LOG_CHANCE_WITH_MORE_ROOM = 62.4


class PairTiles(NamedTuple):
    """All clients' training pairs, cut into tiles of one width.

    A tile belongs to one client; the last one of each client is padded with copies of
    a pair of its own.

    Attributes:
        client: whose pairs they are, ascending.
        pair: the number of the training pair.
        present: whether it is no copy.
        place: where each training pair stands among the pairs of all tiles.
    """

    client: Int[Array, " tiles"]
    pair: Int[Array, "tiles width"]
    present: Bool[Array, "tiles width"]
    place: Int[Array, " pairs"]


class ClientGroup(NamedTuple):
    """Clients of like activity, each one whole and padded to one number of items.

    Attributes:
        client: their numbers; one that does not exist stands for nobody.
        pair: the number of the training pair, 0 where there is none.
        positives: training items in the data set's order, padded with ``PADDING_ITEM``.
        test_item: held-out item, ``PADDING_ITEM`` where there is none.
    """

    client: Int[Array, " clients"]
    pair: Int[Array, "clients width"]
    positives: Int[Array, "clients width"]
    test_item: Int[Array, " clients"]


def plan_tiles(dataset: Dataset, width: int | None = None) -> PairTiles:
    """Cuts all training pairs into tiles.

    Args:
        width: pairs in a tile; by default the cheapest for the data.
    """
    activity = dataset.user_activity
    if width is None:
        width = cheapest_width(activity)
    tiles = num_tiles(activity, width)
    client = np.repeat(np.arange(dataset.num_users), tiles)
    first_tile, first_pair = np.cumsum(tiles) - tiles, np.cumsum(activity) - activity
    number = np.arange(len(client)) - first_tile[client]
    offset = number[:, None] * width + np.arange(width)
    present = offset < activity[client][:, None]
    pair = first_pair[client][:, None] + np.where(present, offset, 0)
    return PairTiles(
        client=as_int32(client),
        pair=as_int32(pair),
        present=jax.device_put(present),
        place=as_int32(np.flatnonzero(present)),
    )


def num_tiles(activity: np.ndarray, width: int) -> np.ndarray:
    """How many tiles each client's pairs make, int64 ``[n]``."""
    return -(-activity // width)


def cheapest_width(activity: np.ndarray) -> int:
    """The width of tiles that balances padding against the number of tiles."""

    def cost(width: int) -> int:
        return int(np.sum(num_tiles(activity, width))) * (width + PAIRS_PER_TILE_COST)

    return min(TILE_WIDTHS, key=cost)


def client_widths(activity: Int[np.ndarray, " n"], max_groups: int) -> tuple[int, ...]:
    """Widths to pad clients to, ascending, so that padding stays small.

    Args:
        max_groups: number of widths at most; each is a piece of the compiled program.
    """
    return tuple(group.width for group in group_by_size(activity, max_groups))


def plan_clients(dataset: Dataset, widths: Sequence[int]) -> tuple[ClientGroup, ...]:
    """Pads all clients, each to the least width that holds it.

    Args:
        widths: see ``client_widths``.
    """
    activity = dataset.user_activity
    start = np.cumsum(activity) - activity
    group = np.searchsorted(widths, activity)

    def pad(members: np.ndarray, width: int) -> ClientGroup:
        offset = np.arange(width)
        real = offset < activity[members][:, None]
        pair = np.where(real, start[members][:, None] + offset, 0)
        positives = np.where(real, dataset.train_items[pair], PADDING_ITEM)
        test_item = dataset.test_items[members]
        test_item = np.where(test_item == NO_TEST_ITEM, PADDING_ITEM, test_item)
        return ClientGroup(
            client=as_int32(members),
            pair=as_int32(pair),
            positives=as_int32(positives),
            test_item=as_int32(test_item),
        )

    return tuple(
        pad(np.flatnonzero(group == index), width) for index, width in enumerate(widths)
    )


def join_groups(
    parts: Sequence[tuple[ClientGroup, ...]], number: int, nobody: int
) -> tuple[ClientGroup, ...]:
    """``join_parts`` of the groups of all parts, filled up with nobody.

    Args:
        number: how many parts there are to be, see ``join_parts``.
    """

    def join(*groups: ClientGroup) -> ClientGroup:
        joined = join_parts(groups, number)
        real = join_parts(
            [np.ones(group.client.size, bool) for group in groups], number
        )
        client = np.where(real, joined.client, nobody)
        return joined._replace(client=as_int32(client))

    return tuple(map(join, *parts))


def upload_capacity(
    dataset: Dataset,
    pseudo_items: int = 0,
    log_chance: float = LOG_CHANCE,
    negatives: np.ndarray | None = None,
) -> np.ndarray:
    """The most rows that an item may receive from benign clients, int64 ``[m]``.

    Every interaction sends one row. A client with L of m items draws an item that it
    does not hold as a negative with probability ``1 - (1 - 1/(m - L))^L``; these draws
    are independent between clients, so their number exceeds its mean ``mu`` by t with
    a probability of at most ``exp(-mu h(t / mu))``, ``h(x) = (1 + x) ln(1 + x) - x``
    (Bennett). The capacity leaves one chance in 10^9 per item and draw, so that of
    200 rounds that draw anew for 3,700 items up to one run in 10^3 has rows that find
    no room. They are counted, and such a run is done again with more room.

    Args:
        pseudo_items: further draws of each client from the same items.
        log_chance: the chance that an item receives more, as minus its logarithm.
        negatives: those given for each training pair, in the data set's order, which
            need not be drawn at random: the room holds them in any case.
    """
    activity = dataset.user_activity
    capacity = dataset.item_degree + _drawn_at_most(
        dataset, activity + pseudo_items, log_chance
    )
    if negatives is None:
        return capacity
    pairs = dataset.train_users.astype(np.int64) * dataset.num_items + negatives
    needed = dataset.item_degree + np.bincount(
        np.unique(pairs) % dataset.num_items, minlength=dataset.num_items
    )
    if pseudo_items:
        needed += _drawn_at_most(
            dataset, np.full_like(activity, pseudo_items), log_chance
        )
    return np.maximum(capacity, np.minimum(needed, dataset.num_users))


def _drawn_at_most(
    dataset: Dataset, draws: Int[np.ndarray, " n"], log_chance: float
) -> np.ndarray:
    """How many clients draw each item at most, int64 ``[m]``.

    Args:
        log_chance: as in ``upload_capacity``.
    """
    others = dataset.num_items - dataset.user_activity.astype(np.float64)
    drawn = 1.0 - (1.0 - 1.0 / others) ** draws.astype(np.float64)
    by_holders = np.bincount(
        dataset.train_items, drawn[dataset.train_users], dataset.num_items
    )
    mean = np.maximum(drawn.sum() - by_holders, 1e-12)
    not_holding = dataset.num_users - dataset.item_degree
    most = np.ceil(_bennett_bound(mean, log_chance))
    return np.minimum(most, not_holding).astype(np.int64)


def _bennett_bound(mean: np.ndarray, log_chance: float) -> np.ndarray:
    """Solves ``mean * h(excess / mean) = log_chance`` and returns mean + excess."""
    low, high = np.zeros_like(mean), log_chance + np.sqrt(2 * log_chance * mean) + 1
    for _ in range(60):
        excess = (low + high) / 2
        ratio = excess / mean
        enough = mean * ((1 + ratio) * np.log1p(ratio) - ratio) >= log_chance
        low, high = np.where(enough, low, excess), np.where(enough, excess, high)
    return mean + high
