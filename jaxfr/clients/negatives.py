"""The pairs of a round: each training pair's negative, and who sends which row."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.clients.tensors import PairTiles
from jaxfr.sampling import ItemLists, complement_items, integers_at
from jaxfr.shapes import Bool, Int


class TiledPairs(NamedTuple):
    """Positive and negative items of all clients, in tiles, and the rows they send.

    A tile of w pairs sends 2w rows, those of the positives before those of the
    negatives. A negative that a client drew twice is one row, that of the first pair;
    unless its rows are kept apart, as in the Spattack paper's implementation.

    Attributes:
        client: whose tile it is, ascending.
        present: whether the pair counts.
        item: the item of each row, int32 ``[tiles, 2w]``.
        sent: whether the row is sent, bool ``[tiles, 2w]``.
        negative_row: where among the pairs of all tiles the row of a pair's negative
            stands.
        noticed: where rows are kept apart, whether an omniscient attacker counts the
            row, bool ``[tiles, 2w]``: of a client's rows of one item only the first.
            None where every row is noticed.
    """

    client: Int[Array, " tiles"]
    positive: Int[Array, "tiles w"]
    negative: Int[Array, "tiles w"]
    present: Bool[Array, "tiles w"]
    item: Array
    sent: Array
    negative_row: Int[Array, "tiles w"]
    noticed: Array | None = None


def draw_negatives(
    key: Array,
    pair_ids: Int[Array, " pairs"],
    train_users: Int[Array, " pairs"],
    training_items: ItemLists,
    num_items: int,
) -> Int[Array, " pairs"]:
    """Draws, for each training pair, an item that its client does not hold.

    Uniform among the ``m - L`` such items, with replacement. A draw depends on the
    pair's number among all pairs, not on who draws it beside which others. (The client
    does not know its test item, which therefore may be drawn.)
    """
    activity = training_items.start[train_users + 1] - training_items.start[train_users]
    rank = integers_at(key, pair_ids, num_items - activity)
    return complement_items(rank, train_users, training_items)


def draw_pseudo_items(
    key: Array,
    count: int,
    client_ids: Int[Array, " n"],
    training_items: ItemLists,
    num_items: int,
) -> Int[Array, "n count"]:
    """Draws, for each client, items that it does not hold; as ``draw_negatives``.

    Args:
        count: draws of each client, static.
    """
    activity = jnp.diff(training_items.start)
    client = jnp.arange(activity.size)[:, None]
    number = client_ids[:, None] * count + jnp.arange(count)
    rank = integers_at(key, number, num_items - activity[:, None])
    return complement_items(rank, client, training_items)


def first_occurrence(
    client: Int[Array, " draws"], item: Int[Array, " draws"]
) -> Int[Array, " draws"]:
    """For each draw, the first draw of the same item by the same client.

    Args:
        client: ascending.

    Returns:
        A draw's own number where it is the first.
    """
    # Sorted by item alone, and stably, equal draws of a client stand side by side.
    order = jnp.argsort(item, stable=True).astype(jnp.int32)
    client, item = client[order], item[order]
    repeats = (client[1:] == client[:-1]) & (item[1:] == item[:-1])
    number = jnp.arange(order.size, dtype=jnp.int32)
    begin = jnp.where(jnp.append(False, repeats), 0, number)
    first = order[jax.lax.cummax(begin)]
    return jnp.zeros_like(order).at[order].set(first, unique_indices=True)


def tile_pairs(
    tiles: PairTiles,
    train_users: Int[Array, " pairs"],
    positives: Int[Array, " pairs"],
    negatives: Int[Array, " pairs"],
    keep_repeats: bool = False,
) -> TiledPairs:
    """Lays out a round's pairs.

    Args:
        positives: each pair's positive item.
        keep_repeats: whether a negative that was drawn twice is sent as two rows.
    """
    first = first_occurrence(train_users, negatives)
    number = jnp.arange(first.size)
    positive, negative = positives[tiles.pair], negatives[tiles.pair]
    first_of_item = jnp.concatenate(
        [tiles.present, tiles.present & (first == number)[tiles.pair]], axis=1
    )
    sent = first_of_item
    if keep_repeats:
        first, sent = number, jnp.concatenate([tiles.present] * 2, axis=1)
    return TiledPairs(
        client=tiles.client,
        positive=positive,
        negative=negative,
        present=tiles.present,
        item=jnp.concatenate([positive, negative], axis=1),
        sent=sent,
        negative_row=tiles.place[first[tiles.pair]],
        noticed=first_of_item if keep_repeats else None,
    )
