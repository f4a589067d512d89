"""Ranks every client's test item, and targets, and counts: one evaluation.

Ranks are counted by each metric (``metrics.py``), summed over users and devices, and
turned into averages on the host (``outcome.py``).
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.tensors import ClientGroup
from jaxfr.devices import Own
from jaxfr.evaluation.candidates import sample_candidate_ranks
from jaxfr.evaluation.metrics import NO_RANK, Metric, RankingName, needed_rankings
from jaxfr.evaluation.outcome import Outcome, Ranks, count_users
from jaxfr.models.base import Scores, Weights
from jaxfr.sampling import PADDING_ITEM, ItemLists, complement_items
from jaxfr.shapes import Bool, Float, Int


def rank_of_test_item(
    test_score: Float[Array, ""],
    candidate_scores: Float[Array, " k"],
    candidate_mask: Bool[Array, " k"],
) -> Int[Array, ""]:
    """Returns how many candidates stand above one client's test item.

    With test score s and candidate scores c::

        rank = #{j : c_j finite, c_j >= s}   if s is finite
             = NO_RANK                       otherwise

    over the candidates j of the mask. So neither a tie nor a score that overflowed
    ever helps an item: the test item stands below its ties, candidates that are not
    finite, an infinity of either sign or NaN, stand last, and a test item that is not
    finite is in no list at all, not even in one that has room for every candidate. A
    model whose scores have all become NaN therefore hits nothing, rather than
    everything, as does one whose scores are all equal among K candidates or more.

    Sampled ranking passes the scores of the candidates drawn, full ranking those of
    all m items with ``full_ranking_mask``.

    Returns:
        Rank from 0 (best) to the number of candidates (last), or ``NO_RANK``.
    """
    chex.assert_rank([test_score, candidate_scores], [0, 1])
    chex.assert_equal_shape([candidate_scores, candidate_mask])
    at_least_as_high = jnp.isfinite(candidate_scores) & (candidate_scores >= test_score)
    above = jnp.sum(at_least_as_high & candidate_mask, dtype=jnp.int32)
    return jnp.where(jnp.isfinite(test_score), above, jnp.int32(NO_RANK))


def full_ranking_mask(
    excluded: Int[Array, " length"], num_items: int
) -> Bool[Array, " m"]:
    """Marks the candidates of one client's full ranking: all items not excluded.

    Args:
        excluded: the client's training items and its test item, padded with
            ``PADDING_ITEM``;, none negative.
        num_items: number of items m, static.
    """
    chex.assert_rank(excluded, 1)
    # The padding lies outside 0..m-1 and is dropped.
    return jnp.ones(num_items, bool).at[excluded].set(False, mode="drop")


class HeldOutItems(NamedTuple):
    """Which users are evaluated, and on what.

    Attributes:
        item: each user's test item, 0 where there is none.
        exists: whether the user has one.
        degree_group: index into ``GROUP_NAMES`` of the item.
    """

    item: Int[Array, " n"]
    exists: Bool[Array, " n"]
    degree_group: Int[Array, " n"]


def draw_candidates(
    key: Array,
    client_ids: Int[Array, " n"],
    excluded: ItemLists,
    num_items: int,
    num_candidates: int,
) -> Int[Array, "n num_candidates"]:
    """Draws the items that each client's test item is ranked among.

    Args:
        key: the run's key for candidates; each client uses its own child of it.
    """

    def one_client(client: Array, num_excluded: Array) -> Array:
        own_key = jax.random.fold_in(key, client)
        return sample_candidate_ranks(own_key, num_excluded, num_items, num_candidates)

    ranks = jax.vmap(one_client)(client_ids, jnp.diff(excluded.start))
    own_numbers = jnp.arange(client_ids.size, dtype=jnp.int32)
    return complement_items(ranks, own_numbers[:, None], excluded)


class RankedItems(NamedTuple):
    """What is ranked, and among what.

    Attributes:
        test_items: of all clients.
        sampled: candidates of each test item.
        within_third: those of its popularity third, padded with ``PADDING_ITEM``.
        targets: items whose exposure is looked at.
        clients: the clients in groups, for rankings of all items that a client did not
            train on.
    """

    test_items: Own[HeldOutItems]
    sampled: Own[Int[Array, "n num_candidates"]]
    within_third: Own[Int[Array, "n count"]]
    targets: Int[Array, " targets"]
    clients: Own[tuple[ClientGroup, ...]]


class Scorer(NamedTuple):
    """What all clients score items with.

    Attributes:
        scores: those of the model.
        weights: its shared weights.
    """

    scores: Scores
    weights: Weights
    item_embeddings: Float[Array, "m d"]


def rank_among_sampled(
    scorer: Scorer, client: Array, test_item: Int[Array, ""], items: Int[Array, " k"]
) -> Int[Array, ""]:
    """Rank of one client's test item among its candidates.

    Args:
        items: candidates, perhaps padded with ``PADDING_ITEM``.
    """
    is_item = items != PADDING_ITEM
    ranked = jnp.concatenate([test_item[None], jnp.where(is_item, items, test_item)])
    scores = scorer.scores(scorer.weights, client, scorer.item_embeddings[ranked])
    return rank_of_test_item(scores[0], scores[1:], is_item)


def rank_among_all(
    scorer: Scorer,
    client: Array,
    items: Int[Array, " items"],
    training_items: Int[Array, " width"],
) -> tuple[Array, Array]:
    """Ranks of items, each among all others that one client did not train on.

    Args:
        training_items: of the client, padded.

    Returns:
        The ranks, int32 ``[items]``, and whether the client did not train on the item,
        bool ``[items]``.
    """
    scores = scorer.scores(scorer.weights, client, scorer.item_embeddings)
    mask = full_ranking_mask(training_items, scorer.item_embeddings.shape[0])

    def rank_of(item: Array) -> Array:
        return rank_of_test_item(scores[item], scores, mask.at[item].set(False))

    return jax.vmap(rank_of)(items), mask[items]


def evaluate(
    metrics: Sequence[Metric],
    ranking: RankingName,
    scorer: Scorer,
    clients: Float[Array, "n r"],
    items: RankedItems,
) -> Outcome:
    """Evaluates all benign clients, those of all devices.

    Args:
        ranking: the run's own, ``sampled`` or ``full``.
        clients: their representations, which without ``Model.represent`` are their
            embeddings.
    """
    needed = needed_rankings(ranking, metrics)
    ranks: dict[RankingName, Ranks] = {}
    if "sampled" in needed:
        ranks["sampled"] = _among_candidates(scorer, clients, items, items.sampled)
    if "within_third" in needed:
        candidates = items.within_third
        ranks["within_third"] = _among_candidates(scorer, clients, items, candidates)
    if {"full", "targets"} & needed:
        test_item = items.test_items.item[:, None]
        # Nobody need be ranked whose rank is not asked for.
        watched = test_item if "full" in needed else test_item[:, :0]
        found = _among_all(scorer, clients, items, watched)
        exists = items.test_items.exists[:, None]
        own = watched.shape[1]
        ranks["full"] = Ranks(found.rank[:, :own], found.num_others, exists)
        ranks["targets"] = Ranks(
            found.rank[:, own:], found.num_others, found.counts[:, own:]
        )
    ranks["own"] = ranks[ranking]
    return count_users(metrics, ranks, items.test_items.degree_group)


def _among_candidates(
    scorer: Scorer, clients: Array, items: RankedItems, candidates: Array
) -> Ranks:
    ranks = map_in_blocks(
        functools.partial(rank_among_sampled, scorer),
        members_per_block(candidates.shape[1] * scorer.item_embeddings.shape[1]),
        clients,
        items.test_items.item,
        candidates,
    )
    num_others = jnp.sum(candidates != PADDING_ITEM, axis=1, dtype=jnp.int32)
    return Ranks(ranks[:, None], num_others, items.test_items.exists[:, None])


def _among_all(
    scorer: Scorer, clients: Array, items: RankedItems, own_items: Array
) -> Ranks:
    """Ranks of the items of each client, ``[n, own]``, and behind them the targets'."""
    num_clients, num_items = clients.shape[0], scorer.item_embeddings.shape[0]
    width = own_items.shape[1] + items.targets.shape[0]
    ranks = jnp.zeros((num_clients, width), jnp.int32)
    counts, num_others = jnp.zeros((num_clients, width), bool), ranks[:, 0]
    for group in items.clients:
        own = own_items.at[group.client].get(mode="clip")
        shared = jnp.broadcast_to(items.targets, (own.shape[0], items.targets.size))
        found, untrained = map_in_blocks(
            functools.partial(rank_among_all, scorer),
            members_per_block(num_items * width),
            clients.at[group.client].get(mode="clip"),
            jnp.append(own, shared, axis=1),
            group.positives,
        )
        trained = jnp.sum(group.positives != PADDING_ITEM, axis=1, dtype=jnp.int32)
        ranks = ranks.at[group.client].set(found, mode="drop")
        counts = counts.at[group.client].set(untrained, mode="drop")
        num_others = num_others.at[group.client].set(
            num_items - trained - 1, mode="drop"
        )
    return Ranks(ranks, num_others, counts)
