"""One evaluation of all clients, against a loop over users."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.clients.layout import (
    ClientGroup,
    client_widths,
    join_groups,
    plan_clients,
)
from jaxfr.clients.parts import divide_clients, join_parts
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.devices import OWN, WHOLE, spread
from jaxfr.evaluation import evaluate as evaluation_module
from jaxfr.evaluation.degree_groups import user_degree_groups
from jaxfr.evaluation.evaluate import Scorer, draw_candidates, evaluate
from jaxfr.evaluation.metrics import CUTOFFS, Metrics
from jaxfr.models import fedmf
from jaxfr.sampling import ItemLists, list_items

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
    return plan_clients(dataset(), client_widths(dataset().user_activity, max_groups))


@functools.cache
def held_out() -> evaluation_module.HeldOutItems:
    item = dataset().test_items
    return evaluation_module.HeldOutItems(
        item=jnp.maximum(item, 0),
        exists=jnp.asarray(item != NO_TEST_ITEM),
        degree_group=jnp.asarray(user_degree_groups(dataset())),
    )


def training_items(user: int) -> np.ndarray:
    return dataset().train_items[dataset().train_users == user]


def known_items(users: int = NUM_USERS) -> ItemLists:
    """Training items and test item of the first users."""
    own = [
        np.setdiff1d([*training_items(user), dataset().test_items[user]], NO_TEST_ITEM)
        for user in range(users)
    ]
    owner = np.repeat(np.arange(users), [len(items) for items in own])
    return list_items(owner, np.concatenate(own), users)


@functools.cache
def candidates(count: int, seed: int = 0, users: int = NUM_USERS) -> np.ndarray:
    key, ids = jax.random.key(seed), jnp.arange(users)
    return np.asarray(draw(key, ids, known_items(users), NUM_ITEMS, count))


@functools.cache
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    """Small integers, so that ties of scores are common and exact."""
    random = np.random.default_rng(1)
    users = random.integers(-2, 3, (NUM_USERS, DIM)).astype(np.float32)
    return users, random.integers(-2, 3, (NUM_ITEMS, DIM)).astype(np.float32)


def evaluate_fedmf(users, items, test_items, among) -> Metrics:
    return evaluate(Scorer(fedmf().scores, (), items), users, test_items, among)


@functools.cache
def compiled(block_numbers: int):
    """The evaluation, traced anew for every size of block."""
    assert block_numbers == blocks.BLOCK_NUMBERS
    return jax.jit(evaluate_fedmf)


def evaluation(ranking: str, items: np.ndarray) -> Metrics:
    users, _ = embeddings()
    run = compiled(blocks.BLOCK_NUMBERS)
    among = candidates(NUM_CANDIDATES) if ranking == "sampled" else clients()
    return run(users, items, held_out(), among)


def ranks_by_loop(ranking: str, items: np.ndarray) -> dict[int, float]:
    users, _ = embeddings()
    ranks = {}
    for user in range(NUM_USERS):
        test_item = dataset().test_items[user]
        if test_item == NO_TEST_ITEM:
            continue
        among = candidates(NUM_CANDIDATES)[user]
        if ranking == "full":
            own = [*training_items(user), test_item]
            among = np.setdiff1d(np.arange(NUM_ITEMS), own)
        with np.errstate(invalid="ignore"):
            scores = [float(users[user] @ items[item]) for item in among]
            test_score = float(users[user] @ items[test_item])
        above = [math.isfinite(score) and score >= test_score for score in scores]
        ranks[user] = sum(above) if math.isfinite(test_score) else math.inf
    return ranks


def assert_averages(found, ranks: list[float]) -> None:
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
    assert metrics.nonfinite_scores == sum(map(math.isinf, ranks.values()))
    assert (metrics.nonfinite_scores > 0) == (broken is not None)
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
        np.testing.assert_array_equal, evaluation(ranking, embeddings()[1]), whole
    )


@pytest.mark.skipif("jax.device_count() < 4")
@pytest.mark.parametrize("devices", [2, 3, 4])
@pytest.mark.parametrize("ranking", ["sampled", "full"])
def test_devices_that_each_have_some_users_find_what_one_finds(ranking, devices):
    """To the last bit, also where they are filled up with users who do not exist."""
    users, items = embeddings()
    parts = divide_clients(dataset(), np.arange(1, NUM_USERS + 1), devices)
    sizes = [part.client_ids.size for part in parts]
    assert len(set(sizes)) > 1
    own = users, held_out(), candidates(NUM_CANDIDATES)
    of_parts = [jax.tree.map(lambda leaf: leaf[part.client_ids], own) for part in parts]  # noqa: B023
    users, test_items, among = join_parts(of_parts, devices)
    if ranking == "full":
        widths = client_widths(dataset().user_activity, 2)
        groups = [plan_clients(part.dataset, widths) for part in parts]
        among = join_groups(groups, devices, nobody=max(sizes))
    placements = OWN, WHOLE, OWN, OWN
    shared = jax.jit(spread(evaluate_fedmf, devices, placements, WHOLE))
    jax.tree.map(
        np.testing.assert_array_equal,
        shared(users, items, test_items, among),
        evaluation(ranking, items),
    )


# --- what test items are ranked among ---


def test_candidates_are_distinct_items_that_the_user_never_had():
    for user, items in enumerate(candidates(NUM_CANDIDATES)):
        assert len(np.unique(items)) == NUM_CANDIDATES
        assert np.all((items >= 0) & (items < NUM_ITEMS))
        assert not np.isin(items, training_items(user)).any()
        assert dataset().test_items[user] not in items


def test_a_user_s_candidates_do_not_depend_on_the_other_users():
    np.testing.assert_array_equal(candidates(9)[:20], candidates(9, users=20))


def test_a_user_s_candidates_go_by_its_number_among_all():
    lists, last = known_items(), slice(20, NUM_USERS)
    start = lists.start[20:]
    own = ItemLists(lists.items[start[0] :], start - start[0])
    found = draw(jax.random.key(0), jnp.arange(NUM_USERS)[last], own, NUM_ITEMS, 9)
    np.testing.assert_array_equal(found, candidates(9)[last])


def test_every_seed_and_every_user_draws_its_own_candidates():
    draws = set()
    for seed in (0, 1):
        for user, items in enumerate(candidates(NUM_CANDIDATES, seed)):
            own = [*training_items(user), dataset().test_items[user]]
            left = np.setdiff1d(np.arange(NUM_ITEMS), own)
            draws.add(tuple(np.sort(np.searchsorted(left, items)).tolist()))
    assert len(draws) == 2 * NUM_USERS


def test_for_full_ranking_nothing_is_drawn():
    assert candidates(0).shape == (NUM_USERS, 0)


@pytest.mark.parametrize("max_groups", [1, 2])
def test_full_ranking_excludes_training_items_and_test_item(max_groups):
    """Scored above all others, they take no place in front of the test item."""
    run, users = compiled(blocks.BLOCK_NUMBERS), np.ones((NUM_USERS, DIM), np.float32)
    for user in np.setdiff1d(np.arange(NUM_USERS), WITHOUT_TEST_ITEM):
        items = np.zeros((NUM_ITEMS, DIM), np.float32)
        items[training_items(user)], items[dataset().test_items[user]] = 2, 1
        alone = held_out()._replace(exists=jnp.arange(NUM_USERS) == user)
        metrics = run(users, items, alone, clients(max_groups))
        assert metrics.overall.num_users == 1
        np.testing.assert_array_equal(metrics.overall.ndcg, 1)


def test_what_overflowed_hits_nothing_among_fewer_items_than_the_cut_off():
    users, items = map(jnp.asarray, embeddings())
    among = candidates(5)
    assert evaluate_fedmf(users, items, held_out(), among).overall.hit_ratio[1] == 1
    broken = evaluate_fedmf(users, items * math.inf, held_out(), among)
    np.testing.assert_array_equal(broken.overall.hit_ratio, 0)
    np.testing.assert_array_equal(broken.overall.ndcg, 0)
