"""One evaluation of all clients, against a loop over users."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.clients.dividing import divide_clients, join_parts
from jaxfr.clients.tensors import ClientGroup, client_widths, join_groups, plan_clients
from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.devices import OWN, WHOLE, placement, spread
from jaxfr.evaluation import evaluate as evaluation_module
from jaxfr.evaluation.candidates import (
    draw_within_third,
    item_degree_groups,
    user_degree_groups,
)
from jaxfr.evaluation.evaluate import RankedItems, Scorer, draw_candidates, evaluate
from jaxfr.evaluation.metrics import RankingName
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.outcome import Outcome, as_record
from jaxfr.models import fedmf
from jaxfr.sampling import ItemLists, list_items
from tests.datasets import dataset_of

draw = jax.jit(draw_candidates, static_argnums=(3, 4))
draw_within = jax.jit(draw_within_third, static_argnums=5)

METRICS = parse_metrics(
    "hr@10,ndcg@10,full_hr@10,full_ndcg@10,within_third_hr@10,within_third_ndcg@10,er@10"
    ",full_percentile"
)
NUM_USERS, NUM_ITEMS, DIM, NUM_CANDIDATES = 30, 40, 3, 20
MODEL = fedmf(DIM).make()
TARGETS = (0, 17, 39)
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
    return dataset_of([items[:-1] for items in held], NUM_ITEMS, test_items)


@functools.cache
def clients() -> tuple[ClientGroup, ...]:
    return plan_clients(dataset(), client_widths(dataset().user_activity, 2))


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


def known_items() -> ItemLists:
    """Training items and test item of each user."""
    own = [
        np.setdiff1d([*training_items(user), dataset().test_items[user]], NO_TEST_ITEM)
        for user in range(NUM_USERS)
    ]
    owner = np.repeat(np.arange(NUM_USERS), [len(items) for items in own])
    return list_items(owner, np.concatenate(own), NUM_USERS)


@functools.cache
def candidates(count: int) -> np.ndarray:
    ids = jnp.arange(NUM_USERS)
    return np.asarray(draw(jax.random.key(0), ids, known_items(), NUM_ITEMS, count))


@functools.cache
def within_third(count: int = NUM_CANDIDATES) -> np.ndarray:
    """Padded: most users have fewer such items."""
    key, ids = jax.random.key(0), jnp.arange(NUM_USERS)
    thirds = jnp.asarray(item_degree_groups(dataset().item_degree))
    own_third = jnp.asarray(user_degree_groups(dataset()))
    drawn = draw_within(key, ids, known_items(), thirds, own_third, count)
    return np.asarray(drawn)


@functools.cache
def embeddings() -> tuple[np.ndarray, np.ndarray]:
    """Small integers, so that ties of scores are common and exact."""
    random = np.random.default_rng(1)
    users = random.integers(-2, 3, (NUM_USERS, DIM)).astype(np.float32)
    return users, random.integers(-2, 3, (NUM_ITEMS, DIM)).astype(np.float32)


def ranked(among=None) -> RankedItems:
    """What is ranked, perhaps among other candidates."""
    if among is None:
        among = candidates(NUM_CANDIDATES)
    return RankedItems(
        held_out(),
        jnp.asarray(among),
        jnp.asarray(within_third()),
        jnp.asarray(TARGETS),
        clients(),
    )


def evaluate_fedmf(
    users, items, among: RankedItems, ranking: RankingName = "sampled"
) -> Outcome:
    return evaluate(METRICS, ranking, Scorer(MODEL.scores, (), items), users, among)


@functools.cache
def compiled(block_numbers: int):
    """The evaluation, traced anew for every size of block."""
    assert block_numbers == blocks.BLOCK_NUMBERS
    return jax.jit(evaluate_fedmf, static_argnums=3)


def evaluation(ranking: str, items: np.ndarray) -> Outcome:
    return compiled(blocks.BLOCK_NUMBERS)(embeddings()[0], items, ranked(), ranking)


def rank_by_loop(user: int, item: int, among, items: np.ndarray) -> float:
    users, _ = embeddings()
    with np.errstate(invalid="ignore"):
        scores = [float(users[user] @ items[other]) for other in among]
        own_score = float(users[user] @ items[item])
    above = [math.isfinite(score) and score >= own_score for score in scores]
    return sum(above) if math.isfinite(own_score) else math.inf


def ranks_by_loop(ranking: str, items: np.ndarray) -> dict[int, float]:
    ranks = {}
    for user in np.flatnonzero(dataset().test_items != NO_TEST_ITEM).tolist():
        test_item = dataset().test_items[user]
        others = np.setdiff1d(np.arange(NUM_ITEMS), [*training_items(user), test_item])
        among = {
            "sampled": candidates(NUM_CANDIDATES)[user],
            "full": others,
            "within_third": np.intersect1d(within_third()[user], others),
        }
        ranks[user] = rank_by_loop(user, test_item, among[ranking], items)
    return ranks


def broken_items(broken: float | None) -> np.ndarray:
    items = embeddings()[1].copy()
    if broken is not None:
        items[dataset().test_items[0]] = broken
    return items


@pytest.mark.parametrize("broken", [None, math.nan, math.inf])
@pytest.mark.parametrize(
    ("ranking", "own"),
    [
        ("own", "sampled"),
        ("own", "full"),
        ("full", "sampled"),
        ("within_third", "full"),
    ],
)
def test_an_evaluation_is_the_average_over_users_one_by_one(ranking, own, broken):
    items = broken_items(broken)
    record = as_record(METRICS, evaluation(own, items))
    ranks = ranks_by_loop(own if ranking == "own" else ranking, items)
    prefix = "" if ranking == "own" else f"{ranking}_"
    assert len(set(ranks.values())) > 5
    assert record["nonfinite_scores"] == sum(map(math.isinf, ranks.values()))
    assert (record["nonfinite_scores"] != 0) == (broken is not None)
    groups = user_degree_groups(dataset())
    for index, suffix in enumerate(("", "_head", "_middle", "_tail")):
        members = np.array(
            [r for user, r in ranks.items() if index in (0, 1 + groups[user])]
        )
        gains = np.where(members < 10, 1 / np.log2(members + 2), 0).mean()
        assert record[f"{prefix}hr@10{suffix}"] == np.float32(np.mean(members < 10))
        np.testing.assert_allclose(record[f"{prefix}ndcg@10{suffix}"], gains, rtol=1e-6)


def test_a_percentile_is_a_share_of_the_items_that_the_user_did_not_train_on():
    items = embeddings()[1]
    others = NUM_ITEMS - dataset().user_activity - 1
    shares = [
        rank / others[user] for user, rank in ranks_by_loop("full", items).items()
    ]
    found = as_record(METRICS, evaluation("sampled", items))["full_percentile"]
    np.testing.assert_allclose(found, np.mean(shares), rtol=1e-5)


@pytest.mark.parametrize("broken", [None, math.nan, math.inf])
def test_exposure_is_the_mean_share_of_users_without_a_target_who_see_it(broken):
    """The users without a test item are among them."""
    items = broken_items(broken)
    shares = []
    for target in TARGETS:
        without = [u for u in range(NUM_USERS) if target not in training_items(u)]
        assert len(without) < NUM_USERS
        others = [
            np.setdiff1d(np.arange(NUM_ITEMS), [*training_items(user), target])
            for user in without
        ]
        ranks = [
            rank_by_loop(user, target, among, items)
            for user, among in zip(without, others, strict=True)
        ]
        shares.append(np.mean(np.array(ranks) < 10))
    assert len(set(shares)) > 1
    record = as_record(METRICS, evaluation("sampled", items))
    np.testing.assert_allclose(record["er@10"], np.mean(shares), rtol=1e-6)


def test_users_without_a_test_item_are_left_out():
    outcome = evaluation("sampled", embeddings()[1])
    expected = NUM_USERS - len(WITHOUT_TEST_ITEM)
    assert outcome.num_users[0] == expected
    assert outcome.num_users[1:].sum() == expected


@pytest.mark.parametrize("ranking", ["sampled", "full"])
def test_an_evaluation_does_not_depend_on_the_size_of_its_blocks(monkeypatch, ranking):
    whole = evaluation(ranking, embeddings()[1])
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 5 * NUM_ITEMS)
    jax.tree.map(
        np.testing.assert_array_equal, evaluation(ranking, embeddings()[1]), whole
    )


@pytest.mark.skipif("jax.device_count() < 4")
@pytest.mark.parametrize(("ranking", "devices"), [("sampled", 4), ("full", 3)])
def test_devices_that_each_have_some_users_find_what_one_finds(ranking, devices):
    """To the last bit, also where they are filled up with users who do not exist."""
    users, items = embeddings()
    parts = divide_clients(dataset(), np.arange(1, NUM_USERS + 1), devices)
    sizes = [part.client_ids.size for part in parts]
    assert len(set(sizes)) > 1
    own = users, held_out(), candidates(NUM_CANDIDATES), within_third()
    of_parts = [jax.tree.map(lambda leaf: leaf[part.client_ids], own) for part in parts]  # noqa: B023
    users, test_items, sampled, third = join_parts(of_parts, devices)
    widths = client_widths(dataset().user_activity, 2)
    groups = [plan_clients(part.dataset, widths) for part in parts]
    joined = join_groups(groups, devices, nobody=max(sizes))
    among = RankedItems(test_items, sampled, third, jnp.asarray(TARGETS), joined)
    placements = OWN, WHOLE, placement(among)
    evaluate_own = functools.partial(evaluate_fedmf, ranking=ranking)
    shared = jax.jit(spread(evaluate_own, devices, placements, WHOLE))
    jax.tree.map(
        np.testing.assert_array_equal,
        shared(users, items, among),
        evaluation(ranking, items),
    )


# --- what test items are ranked among ---


def test_candidates_are_distinct_items_that_the_user_never_had():
    for user, items in enumerate(candidates(NUM_CANDIDATES)):
        assert len(np.unique(items)) == NUM_CANDIDATES
        assert np.all((items >= 0) & (items < NUM_ITEMS))
        assert not np.isin(items, training_items(user)).any()
        assert dataset().test_items[user] not in items


def test_every_user_draws_candidates_of_its_own():
    draws = set()
    for user, items in enumerate(candidates(NUM_CANDIDATES)):
        own = [*training_items(user), dataset().test_items[user]]
        left = np.setdiff1d(np.arange(NUM_ITEMS), own)
        draws.add(tuple(np.sort(np.searchsorted(left, items)).tolist()))
    assert len(draws) == NUM_USERS


def test_a_user_s_candidates_go_by_its_number_among_all():
    lists, last = known_items(), slice(20, NUM_USERS)
    start = lists.start[20:]
    own = ItemLists(lists.items[start[0] :], start - start[0])
    found = draw(jax.random.key(0), jnp.arange(NUM_USERS)[last], own, NUM_ITEMS, 9)
    np.testing.assert_array_equal(found, candidates(9)[last])


def test_full_ranking_excludes_training_items_and_test_item():
    """Scored above all others, they take no place in front of the test item."""
    run, users = compiled(blocks.BLOCK_NUMBERS), np.ones((NUM_USERS, DIM), np.float32)
    for user in np.setdiff1d(np.arange(NUM_USERS), WITHOUT_TEST_ITEM):
        items = np.zeros((NUM_ITEMS, DIM), np.float32)
        items[training_items(user)], items[dataset().test_items[user]] = 2, 1
        alone = held_out()._replace(exists=jnp.arange(NUM_USERS) == user)
        among = ranked()._replace(test_items=alone)
        outcome = run(users, items, among, "full")
        assert outcome.num_users[0] == 1
        assert as_record(METRICS, outcome)["ndcg@10"] == 1


def test_what_overflowed_hits_nothing_among_fewer_items_than_the_cut_off():
    users, items = map(jnp.asarray, embeddings())
    among = ranked(candidates(5))
    whole = as_record(METRICS, evaluate_fedmf(users, items, among))
    broken = as_record(METRICS, evaluate_fedmf(users, items * math.inf, among))
    assert (whole["hr@10"], broken["hr@10"], broken["ndcg@10"]) == (1, 0, 0)
