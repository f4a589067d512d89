"""Ranks every client's test item and averages: one evaluation."""

import functools
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.clients.layout import ClientGroup
from jaxfr.evaluation.candidates import sample_candidate_ranks
from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.metrics import Metrics, compute_metrics
from jaxfr.evaluation.ranking import full_ranking_mask, rank_of_test_item
from jaxfr.models import Model
from jaxfr.sampling import PADDING_ITEM, complement_item, insert_item, search_method


class Candidates(NamedTuple):
    """What the test items of one client group are ranked among.

    Attributes:
        items: sampled items, int32 ``[clients, num_candidates]``; empty in full
            ranking.
        excluded: training items and test item, ascending, padded with
            ``PADDING_ITEM``, int32 ``[clients, width + 1]``.
    """

    items: Array
    excluded: Array


def draw_candidates(
    key: Array,
    clients: tuple[ClientGroup, ...],
    num_excluded: tuple[Array, ...],
    num_items: int,
    num_candidates: int,
) -> tuple[Candidates, ...]:
    """Prepares the evaluation of all clients.

    Args:
        key: the run's key for candidates; each client uses its own child of it.
        clients: the client groups.
        num_excluded: for each group, training items and test item of each client
            together, int32 ``[clients]``.
        num_items: number of items m.
        num_candidates: how many to draw for each client; 0 for full ranking.
    """

    def one_client(client: Array, num_excluded: Array) -> Array:
        own_key = jax.random.fold_in(key, client)
        return sample_candidate_ranks(own_key, num_excluded, num_items, num_candidates)

    # One draw for all groups: each random draw costs the compiler up to a second.
    every_client = jnp.concatenate([group.client for group in clients])
    ranks = jax.vmap(one_client)(every_client, jnp.concatenate(num_excluded))
    ends = np.cumsum([group.client.size for group in clients])[:-1].tolist()

    def finish(group: ClientGroup, ranks: Array) -> Candidates:
        test_item = jnp.where(group.has_test_item, group.test_item, PADDING_ITEM)
        excluded = jax.vmap(insert_item)(group.training_items, test_item)
        method = search_method(excluded.size * num_candidates)
        find = functools.partial(complement_item, method=method)
        return Candidates(jax.vmap(find)(ranks, excluded), excluded)

    return tuple(
        finish(group, part)
        for group, part in zip(clients, jnp.split(ranks, ends), strict=True)
    )


def rank_among_sampled(
    model: Model, item_embeddings: Array, user: Array, test_item: Array, items: Array
) -> Array:
    """Rank of one client's test item among its sampled candidates, int32 scalar."""
    ranked = jnp.concatenate([test_item[None], items])
    scores = model.scores(user, item_embeddings[ranked])
    return rank_of_test_item(scores[0], scores[1:], jnp.ones(items.shape, bool))


def rank_among_all(
    model: Model, item_embeddings: Array, user: Array, test_item: Array, excluded: Array
) -> Array:
    """Rank of one client's test item among all items it did not train on."""
    scores = model.scores(user, item_embeddings)
    mask = full_ranking_mask(excluded, item_embeddings.shape[0])
    return rank_of_test_item(scores[test_item], scores, mask)


def evaluate(
    model: Model,
    users: tuple[Array, ...],
    item_embeddings: Array,
    clients: tuple[ClientGroup, ...],
    candidates: tuple[Candidates, ...],
    degree_groups: tuple[Array, ...],
    ranking: Literal["sampled", "full"],
) -> Metrics:
    """Evaluates all benign clients.

    Args:
        model: the recommender.
        users: user embeddings for each client group, float32 ``[clients, d]``.
        item_embeddings: float32 ``[m, d]``.
        clients: the client groups.
        candidates: for each client group.
        degree_groups: for each client group, int32 ``[clients]``.
        ranking: among sampled candidates, or all non-training items.
    """
    num_items, dim = item_embeddings.shape
    test_items = [group.test_item for group in clients]
    if ranking == "sampled":
        # All groups at once: they differ only in what is not needed here.
        items = jnp.concatenate([candidate.items for candidate in candidates])
        ranks = map_in_blocks(
            functools.partial(rank_among_sampled, model, item_embeddings),
            members_per_block(items.shape[1] * dim),
            jnp.concatenate(users),
            jnp.concatenate(test_items),
            items,
        )
    else:
        rank_group = functools.partial(
            map_in_blocks,
            functools.partial(rank_among_all, model, item_embeddings),
            members_per_block(num_items),
        )
        excluded = [candidate.excluded for candidate in candidates]
        ranks = jnp.concatenate(list(map(rank_group, users, test_items, excluded)))
    return compute_metrics(
        ranks,
        jnp.concatenate([group.has_test_item for group in clients]),
        jnp.concatenate(degree_groups),
        len(GROUP_NAMES),
    )
