"""One evaluation of all clients, against a loop over users."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.clients.layout import ClientGroup, plan_clients
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.evaluation.degree_groups import user_degree_groups
from jaxfr.evaluation.evaluate import Candidates, draw_candidates, evaluate
from jaxfr.evaluation.metrics import CUTOFFS, Metrics
from jaxfr.models import fedmf

draw = jax.jit(draw_candidates, static_argnums=(3, 4))

NUM_USERS, NUM_ITEMS, DIM, NUM_CANDIDATES = 30, 40, 3, 20
WITHOUT_TEST_ITEM = [3, 17]


@functools.cache
def dataset() -> Dataset:
    random = np.random.default_rng(0)
    activity = np.where(np.arange(NUM_USERS) % 4 == 0, 12, 4)
    popularity = 1.0 / np.arange(1, NUM_ITEMS + 1)
    held = [
        random.choice(NUM_ITEMS, size + 1, False, popularity / popularity.sum())
        for size in activity
    ]
    test_items = np.array([items[-1] for items in held], np.int32)
    test_items[WITHOUT_TEST_ITEM] = NO_TEST_ITEM
    return Dataset(
        name="small",
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
        train_users=np.repeat(np.arange(NUM_USERS), activity).astype(np.int32),
        train_items=np.concatenate([items[:-1] for items in held]).astype(np.int32),
        test_items=test_items,
    )


@functools.cache
def clients(max_groups: int = 2) -> tuple[ClientGroup, ...]:
    return plan_clients(dataset(), max_groups)


def by_group(values: np.ndarray) -> tuple[jax.Array, ...]:
    return tuple(jnp.asarray(values[np.asarray(g.client)]) for g in clients())


def training_items(user: int) -> np.ndarray:
    return dataset().train_items[dataset().train_users == user]


@functools.cache
def candidates(
    count: int, seed: int = 0, max_groups: int = 2
) -> tuple[Candidates, ...]:
    has_test_item = dataset().test_items != NO_TEST_ITEM
    excluded = jnp.asarray(dataset().user_activity + has_test_item, jnp.int32)
    groups = clients(max_groups)
    num_excluded = tuple(excluded[group.client] for group in groups)
    return draw(jax.random.key(seed), groups, num_excluded, NUM_ITEMS, count)


def per_user(values: list[jax.Array], max_groups: int = 2) -> dict[int, np.ndarray]:
    """Splits one array for each client group by user."""
    return {
        int(user): np.asarray(row)
        for group, rows in zip(clients(max_groups), values, strict=True)
        for user, row in zip(np.asarray(group.client), np.asarray(rows), strict=True)
    }


@functools.cache
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    """Small integers, so that ties of scores are common and exact."""
    random = np.random.default_rng(1)
    users = random.integers(-2, 3, (NUM_USERS, DIM)).astype(np.float32)
    return users, random.integers(-2, 3, (NUM_ITEMS, DIM)).astype(np.float32)


@functools.cache
def compiled(block_numbers: int):
    """The evaluation, traced anew for every size of block."""
    assert block_numbers == blocks.BLOCK_NUMBERS
    return jax.jit(functools.partial(evaluate, fedmf()), static_argnums=5)


def evaluation(ranking: str, items: np.ndarray) -> Metrics:
    users, _ = embeddings()
    run = compiled(blocks.BLOCK_NUMBERS)
    drawn = candidates(NUM_CANDIDATES if ranking == "sampled" else 0)
    groups = by_group(user_degree_groups(dataset()))
    return run(by_group(users), items, clients(), drawn, groups, ranking)


def ranks_by_loop(ranking: str, items: np.ndarray) -> dict[int, int]:
    users, _ = embeddings()
    sampled = per_user([drawn.items for drawn in candidates(NUM_CANDIDATES)])
    ranks = {}
    for user in range(NUM_USERS):
        test_item = dataset().test_items[user]
        if test_item == NO_TEST_ITEM:
            continue
        among = sampled[user]
        if ranking == "full":
            own = [*training_items(user), test_item]
            among = np.setdiff1d(np.arange(NUM_ITEMS), own)
        with np.errstate(invalid="ignore"):
            scores = [float(users[user] @ items[item]) for item in among]
            test_score = float(users[user] @ items[test_item])
        above = [math.isfinite(score) and score >= test_score for score in scores]
        ranks[user] = sum(above) if math.isfinite(test_score) else len(scores)
    return ranks


def assert_averages(found, ranks: list[int]) -> None:
    assert found.num_users == len(ranks)
    for index, cutoff in enumerate(CUTOFFS):
        hits = [rank < cutoff for rank in ranks]
        gains = [1 / math.log2(rank + 2) if rank < cutoff else 0.0 for rank in ranks]
        share, gain = np.sum(hits) / len(ranks), np.sum(gains) / len(ranks)
        np.testing.assert_allclose(found.hit_ratio[index], share, rtol=1e-6)
        np.testing.assert_allclose(found.ndcg[index], gain, rtol=1e-6)


@pytest.mark.parametrize("broken", [None, math.nan, math.inf])
@pytest.mark.parametrize("ranking", ["sampled", "full"])
def test_an_evaluation_is_the_average_over_users_one_by_one(ranking, broken):
    items = embeddings()[1].copy()
    if broken is not None:
        items[dataset().test_items[0]] = broken
    metrics, ranks = evaluation(ranking, items), ranks_by_loop(ranking, items)
    assert len(set(ranks.values())) > 5
    assert_averages(metrics.overall, list(ranks.values()))
    groups = user_degree_groups(dataset())
    for group in range(3):
        members = [rank for user, rank in ranks.items() if groups[user] == group]
        assert members
        averages = jax.tree.map(lambda leaf: leaf[group], metrics.by_group)  # noqa: B023
        assert_averages(averages, members)


def test_users_without_a_test_item_are_left_out():
    metrics = evaluation("sampled", embeddings()[1])
    expected = NUM_USERS - len(WITHOUT_TEST_ITEM)
    assert metrics.overall.num_users == expected
    assert metrics.by_group.num_users.sum() == expected


@pytest.mark.parametrize("ranking", ["sampled", "full"])
def test_an_evaluation_does_not_depend_on_the_size_of_its_blocks(monkeypatch, ranking):
    whole = evaluation(ranking, embeddings()[1])
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 5 * NUM_ITEMS)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, rtol=1e-6),
        evaluation(ranking, embeddings()[1]),
        whole,
    )


# --- what test items are ranked among ---


def test_candidates_are_distinct_items_that_the_user_never_had():
    sampled = per_user([drawn.items for drawn in candidates(NUM_CANDIDATES)])
    for user, items in sampled.items():
        assert len(np.unique(items)) == NUM_CANDIDATES
        assert np.all((items >= 0) & (items < NUM_ITEMS))
        assert not np.isin(items, training_items(user)).any()
        assert dataset().test_items[user] not in items


def test_a_user_s_candidates_do_not_depend_on_how_clients_are_grouped():
    grouped, alone = (
        per_user([drawn.items for drawn in candidates(9, 0, groups)], groups)
        for groups in (2, 1)
    )
    for user in range(NUM_USERS):
        np.testing.assert_array_equal(grouped[user], alone[user])


def test_every_seed_and_every_user_draws_its_own_candidates():
    draws = set()
    for seed in (0, 1):
        drawn = per_user([part.items for part in candidates(NUM_CANDIDATES, seed)])
        for user, items in drawn.items():
            own = [*training_items(user), dataset().test_items[user]]
            left = np.setdiff1d(np.arange(NUM_ITEMS), own)
            draws.add(tuple(np.sort(np.searchsorted(left, items)).tolist()))
    assert len(draws) == 2 * NUM_USERS


def test_full_ranking_excludes_training_items_and_test_item_and_draws_nothing():
    excluded = per_user([drawn.excluded for drawn in candidates(0)])
    for user, items in excluded.items():
        own = {int(item) for item in training_items(user)}
        if dataset().test_items[user] != NO_TEST_ITEM:
            own.add(int(dataset().test_items[user]))
        assert set(items[items < NUM_ITEMS].tolist()) == own
    assert all(drawn.items.shape[1] == 0 for drawn in candidates(0))
