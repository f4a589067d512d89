"""Ranks every client's test item and averages: one evaluation."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.layout import ClientGroup
from jaxfr.devices import gather_over_devices
from jaxfr.evaluation.candidates import sample_candidate_ranks
from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.metrics import Metrics, compute_metrics
from jaxfr.evaluation.ranking import full_ranking_mask, rank_of_test_item
from jaxfr.models.base import Scores, Weights
from jaxfr.sampling import ItemLists, complement_items


class HeldOutItems(NamedTuple):
    """Which users are evaluated, and on what.

    Attributes:
        item: each user's test item, 0 where there is none, int32 ``[n]``.
        exists: whether the user has one, bool ``[n]``.
        degree_group: index into ``GROUP_NAMES`` of the item, int32 ``[n]``.
    """

    item: Array
    exists: Array
    degree_group: Array


def draw_candidates(
    key: Array,
    client_ids: Array,
    excluded: ItemLists,
    num_items: int,
    num_candidates: int,
) -> Array:
    """Draws the items that each client's test item is ranked among.

    Args:
        key: the run's key for candidates; each client uses its own child of it.
        client_ids: each client's number among all, int32 ``[n]``.
        excluded: each client's training items and test item.
        num_items: number of items m.
        num_candidates: how many to draw for each client.

    Returns:
        int32 ``[n, num_candidates]``.
    """

    def one_client(client: Array, num_excluded: Array) -> Array:
        own_key = jax.random.fold_in(key, client)
        return sample_candidate_ranks(own_key, num_excluded, num_items, num_candidates)

    ranks = jax.vmap(one_client)(client_ids, jnp.diff(excluded.start))
    own_numbers = jnp.arange(client_ids.size, dtype=jnp.int32)
    return complement_items(ranks, own_numbers[:, None], excluded)


class Scorer(NamedTuple):
    """What all clients score items with.

    Attributes:
        scores: those of the model.
        weights: its shared weights.
        item_embeddings: float32 ``[m, d]``.
    """

    scores: Scores
    weights: Weights
    item_embeddings: Array


def rank_among_sampled(
    scorer: Scorer, client: Array, test_item: Array, items: Array
) -> Array:
    """Rank of one client's test item among its sampled candidates, int32 scalar."""
    ranked = jnp.concatenate([test_item[None], items])
    scores = scorer.scores(scorer.weights, client, scorer.item_embeddings[ranked])
    return rank_of_test_item(scores[0], scores[1:], jnp.ones(items.shape, bool))


def rank_among_all(
    scorer: Scorer, client: Array, test_item: Array, excluded: Array
) -> Array:
    """Rank of one client's test item among all items it did not train on."""
    scores = scorer.scores(scorer.weights, client, scorer.item_embeddings)
    mask = full_ranking_mask(excluded, scorer.item_embeddings.shape[0])
    return rank_of_test_item(scores[test_item], scores, mask)


def evaluate(
    scorer: Scorer,
    clients: Array,
    test_items: HeldOutItems,
    candidates: Array | tuple[ClientGroup, ...],
) -> Metrics:
    """Evaluates all benign clients, those of all devices.

    Args:
        scorer: what they score items with.
        clients: their representations, which without ``Model.represent`` are their
            embeddings, float32 ``[n, r]``.
        test_items: what is evaluated.
        candidates: the items to rank among, int32 ``[n, num_candidates]``; or, to rank
            among all items that a client did not train on, the clients in groups.
    """
    num_items, dim = scorer.item_embeddings.shape
    if isinstance(candidates, tuple):
        ranks = jnp.zeros(clients.shape[0], jnp.int32)
        for group in candidates:
            excluded = jnp.append(group.positives, group.test_item[:, None], axis=1)
            found = map_in_blocks(
                functools.partial(rank_among_all, scorer),
                members_per_block(num_items),
                clients.at[group.client].get(mode="clip"),
                test_items.item.at[group.client].get(mode="clip"),
                excluded,
            )
            ranks = ranks.at[group.client].set(found, mode="drop")
    else:
        ranks = map_in_blocks(
            functools.partial(rank_among_sampled, scorer),
            members_per_block(candidates.shape[1] * dim),
            clients,
            test_items.item,
            candidates,
        )
    return compute_metrics(
        gather_over_devices(ranks),
        gather_over_devices(test_items.exists),
        gather_over_devices(test_items.degree_group),
        len(GROUP_NAMES),
    )
