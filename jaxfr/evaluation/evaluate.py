"""Ranks every client's test item and averages: one evaluation."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.clients.layout import ClientGroup
from jaxfr.evaluation.candidates import sample_candidate_ranks
from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.evaluation.metrics import Metrics, compute_metrics
from jaxfr.evaluation.ranking import full_ranking_mask, rank_of_test_item
from jaxfr.models import Model
from jaxfr.sampling import PADDING_ITEM, complement_item, insert_item

# Clients whose scores of all items are held at once in full ranking.
CLIENTS_PER_BLOCK = 256


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
        return Candidates(jax.vmap(complement_item)(ranks, excluded), excluded)

    return tuple(
        finish(group, part)
        for group, part in zip(clients, jnp.split(ranks, ends), strict=True)
    )


def rank_among_sampled(
    model: Model, user: Array, item_embeddings: Array, test_item: Array, items: Array
) -> Array:
    """Rank of one client's test item among its sampled candidates, int32 scalar."""
    ranked = jnp.concatenate([test_item[None], items])
    scores = model.scores(user, item_embeddings[ranked])
    return rank_of_test_item(scores[0], scores[1:], jnp.ones(items.shape, bool))


def rank_among_all(
    model: Model, user: Array, item_embeddings: Array, test_item: Array, excluded: Array
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

    def rank_group(user: Array, group: ClientGroup, candidate: Candidates) -> Array:
        def one_client(arguments: tuple[Array, Array, Array]) -> Array:
            rank = rank_among_sampled if ranking == "sampled" else rank_among_all
            return rank(model, arguments[0], item_embeddings, *arguments[1:])

        if ranking == "sampled":
            return jax.vmap(one_client)((user, group.test_item, candidate.items))
        return jax.lax.map(
            one_client,
            (user, group.test_item, candidate.excluded),
            batch_size=CLIENTS_PER_BLOCK,
        )

    ranks = [
        rank_group(user, group, candidate)
        for user, group, candidate in zip(users, clients, candidates, strict=True)
    ]
    return compute_metrics(
        jnp.concatenate(ranks),
        jnp.concatenate([group.has_test_item for group in clients]),
        jnp.concatenate(degree_groups),
        len(GROUP_NAMES),
    )
