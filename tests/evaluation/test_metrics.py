"""Hit ratio and nDCG, overall and by group."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.evaluation.degree_groups import GROUP_NAMES, NO_GROUP
from jaxfr.evaluation.metrics import (
    CUTOFFS,
    Averages,
    as_record,
    compute_metrics,
    metric_names,
    null_where_nobody,
    zero_metrics,
)
from jaxfr.evaluation.ranking import NO_RANK

NUM_USERS = 12
compute = jax.jit(compute_metrics, static_argnums=3)

users = st.lists(
    st.tuples(st.integers(0, 15), st.booleans(), st.integers(-1, 2)),
    min_size=NUM_USERS,
    max_size=NUM_USERS,
)


def columns(rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ranks, evaluated, group = zip(*rows, strict=True)
    return np.array(ranks, np.int32), np.array(evaluated), np.array(group, np.int32)


def average_by_loop(ranks: np.ndarray, members: np.ndarray):
    hits = np.zeros(len(CUTOFFS))
    gains = np.zeros(len(CUTOFFS))
    for rank in ranks[members]:
        for index, cutoff in enumerate(CUTOFFS):
            hits[index] += rank < cutoff
            gains[index] += 1 / math.log2(rank + 2) if rank < cutoff else 0.0
    number = members.sum()
    if number == 0:
        return np.full(2, math.nan), np.full(2, math.nan), 0
    return hits / number, gains / number, number


def assert_averages(found: Averages, expected):
    values = found.hit_ratio, found.ndcg, found.num_users
    for value, wanted in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-6)


@given(users)
@settings(max_examples=60)
def test_metrics_are_the_averages_over_evaluated_users(rows):
    ranks, evaluated, group = columns(rows)
    found = compute(ranks, evaluated, group, 3)
    assert_averages(found.overall, average_by_loop(ranks, evaluated))
    for index in range(3):
        of_group = Averages(*(field[index] for field in found.by_group))
        members = evaluated & (group == index)
        assert_averages(of_group, average_by_loop(ranks, members))


@given(users)
@settings(max_examples=40)
def test_metrics_grow_with_the_cut_off_and_ndcg_is_at_most_the_hit_ratio(rows):
    found = compute(*columns(rows), 3)
    for averages in (found.overall, found.by_group):
        somebody = np.asarray(averages.num_users) > 0
        hit_ratio, ndcg = (
            np.asarray(metric)[somebody]
            for metric in (averages.hit_ratio, averages.ndcg)
        )
        for metric in (hit_ratio, ndcg):
            assert np.all(np.diff(metric, axis=-1) >= 0)
            assert np.all((metric >= 0) & (metric <= 1))
        assert np.all(ndcg <= hit_ratio)


def test_a_test_item_at_the_top_scores_one():
    top = np.zeros(4, np.int32)
    found = compute(top, np.ones(4, bool), top, 1).overall
    np.testing.assert_array_equal(found.hit_ratio, [1, 1])
    np.testing.assert_array_equal(found.ndcg, [1, 1])


def test_rank_counts_from_zero_and_the_cut_off_is_exclusive():
    ranks = np.array([4, 5, 9, 10], np.int32)
    found = compute(ranks, np.ones(4, bool), np.zeros(4, np.int32), 1).overall
    np.testing.assert_allclose(found.hit_ratio, [1 / 4, 3 / 4])
    expected = sum(1 / math.log2(rank + 2) for rank in (4, 5, 9)) / 4
    np.testing.assert_allclose(found.ndcg[1], expected, rtol=1e-6)


def test_a_mean_over_nobody_is_not_a_number():
    nobody = np.zeros(3, bool)
    found = compute(np.zeros(3, np.int32), nobody, np.zeros(3, np.int32), 3)
    for averages in (found.overall, found.by_group):
        assert not np.any(averages.num_users)
        assert np.all(np.isnan(averages.hit_ratio))
        assert np.all(np.isnan(averages.ndcg))


def test_a_mean_over_nobody_is_null_in_a_record():
    group = np.array([0, 0, 2], np.int32)
    found = compute(group, np.ones(3, bool), group, len(GROUP_NAMES))
    record = as_record(found)
    assert record["users_middle"] == 0
    for name in metric_names("middle"):
        assert record[name] is None
    for name in (*metric_names(), *metric_names("head"), *metric_names("tail")):
        assert record[name] is not None
    assert all(as_record(zero_metrics())[name] is None for name in metric_names())


def test_an_older_record_s_mean_over_nobody_is_read_as_null():
    older = {"hr@10": 0.5, "hr@10_head": 0.0, "hr@10_tail": 0.0, "seed": 3}
    older |= {"users_head": 0, "users_middle": 7, "users_tail": 5}
    assert null_where_nobody(older) == older | {"hr@10_head": None}


def test_a_test_item_without_a_finite_score_hits_nothing_and_is_counted():
    ranks = np.array([0, NO_RANK, NO_RANK, NO_RANK], np.int32)
    evaluated = np.array([True, True, True, False])
    found = compute(ranks, evaluated, np.zeros(4, np.int32), len(GROUP_NAMES))
    np.testing.assert_allclose(found.overall.hit_ratio, [1 / 3, 1 / 3])
    assert as_record(found)["nonfinite_scores"] == 2


def test_users_without_a_group_count_only_overall():
    group = np.array([NO_GROUP, 0], np.int32)
    found = compute(np.array([0, 99], np.int32), np.ones(2, bool), group, 3)
    assert found.overall.num_users == 2
    np.testing.assert_array_equal(found.by_group.num_users, [1, 0, 0])
    np.testing.assert_array_equal(found.by_group.hit_ratio[0], [0, 0])


def test_seeds_can_be_batched():
    ranks = np.arange(24, dtype=np.int32).reshape(2, 12)
    evaluated, group = jnp.ones(12, bool), jnp.zeros(12, jnp.int32)
    batch = jax.vmap(lambda seed: compute_metrics(seed, evaluated, group, 3))(ranks)
    assert batch.overall.hit_ratio.shape == (2, 2)
    assert batch.by_group.ndcg.shape == (2, 3, 2)
    np.testing.assert_array_equal(batch.overall.hit_ratio[1], [0, 0])


def test_names_are_the_fields_of_a_record():
    assert metric_names() == ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
    assert metric_names("tail")[0] == "hr@5_tail"


def test_a_record_holds_every_metric_under_its_name():
    ranks = np.array([0, 7, 50], np.int32)
    group = np.array([0, 0, 2], np.int32)
    record = as_record(compute(ranks, np.ones(3, bool), group, len(GROUP_NAMES)))
    expected_names = list(metric_names())
    for name in GROUP_NAMES:
        expected_names += [*metric_names(name), f"users_{name}"]
    assert list(record) == [*expected_names, "nonfinite_scores"]
    assert record["hr@5"] == np.float32(1 / 3)
    assert record["ndcg@10"] == np.float32((1 + 1 / math.log2(9)) / 3)
    assert record["hr@10_head"] == 1.0
    assert record["ndcg@10_head"] == pytest.approx((1 + 1 / math.log2(9)) / 2)
    assert [record[f"users_{name}"] for name in GROUP_NAMES] == [2, 0, 1]
    known = [value for value in record.values() if value is not None]
    assert all(type(value) in (int, float) for value in known)


@given(users, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_record_does_not_depend_on_the_order_in_which_users_are_counted(rows, source):
    """To the last bit: devices each count their own users."""
    shuffled = source.sample(rows, len(rows))
    one, other = (as_record(compute(*columns(r), 3)) for r in (rows, shuffled))
    assert one == other
