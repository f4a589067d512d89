"""Users counted, and what the counts come to."""

import math

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.evaluation.candidates import GROUP_NAMES, NO_GROUP
from jaxfr.evaluation.metrics import NO_RANK, exposure, mean_over_users
from jaxfr.evaluation.names import DEFAULT_METRICS, metric_names, parse_metrics
from jaxfr.evaluation.outcome import (
    as_record,
    averages,
    no_outcome,
)
from tests.evaluation.counted import count

METRICS = (*DEFAULT_METRICS, *parse_metrics("percentile"))
NUM_USERS = 12

users = st.lists(
    st.tuples(st.integers(0, 15), st.booleans(), st.integers(-1, 2)),
    min_size=NUM_USERS,
    max_size=NUM_USERS,
)


def columns(rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ranks, evaluated, group = zip(*rows, strict=True)
    return np.array(ranks, np.int32), np.array(evaluated), np.array(group, np.int32)


def record_of(rows) -> dict:
    return as_record(METRICS, count(METRICS, *columns(rows)))


@given(users)
@settings(max_examples=40)
def test_each_group_is_averaged_on_its_own(rows):
    ranks, evaluated, group = columns(rows)
    record = record_of(rows)
    for index, name in enumerate(("", *(f"_{name}" for name in GROUP_NAMES))):
        members = ranks[evaluated & ((index == 0) | (group == index - 1))]
        if members.size == 0:
            assert record[f"hr@5{name}"] is None
            continue
        assert record[f"hr@5{name}"] == np.float32(np.mean(members < 5))
        gains = np.where(members < 10, 1 / np.log2(members + 2), 0)
        np.testing.assert_allclose(record[f"ndcg@10{name}"], gains.mean(), rtol=1e-6)
        shares = members / 20
        np.testing.assert_allclose(
            record[f"percentile{name}"], shares.mean(), atol=2**-23
        )
        if name:
            assert record[f"users{name}"] == members.size


@given(users, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_record_does_not_depend_on_the_order_in_which_users_are_counted(rows, source):
    """To the last bit: devices each count their own users."""
    assert record_of(rows) == record_of(source.sample(rows, len(rows)))


def test_the_mean_of_many_users_is_exact_to_a_step_for_each():
    """Where float32 sums drift: 2^18 users with the same value."""
    third = mean_over_users("third", lambda rank, _: (rank < 2) / 3.0, True)
    outcome = count([third], np.ones(2**18, np.int32))
    found = averages([third], jax.device_get(outcome))["third"]
    assert abs(found - 1 / 3) <= 2**-24


def test_a_record_holds_every_metric_under_its_name():
    ranks, group = np.array([0, 7, 50], np.int32), np.array([0, 0, 2], np.int32)
    outcome = count(DEFAULT_METRICS, ranks, group=group)
    record = as_record(DEFAULT_METRICS, outcome)
    names = list(metric_names())
    for group_name in GROUP_NAMES:
        names += [*metric_names(group_name), f"users_{group_name}"]
    assert list(record) == [*names, "nonfinite_scores"]
    assert record["hr@5"] == np.float32(1 / 3)
    assert record["ndcg@10"] == np.float32((1 + 1 / math.log2(9)) / 3)
    assert record["hr@10_head"] == 1.0
    assert [record[f"users_{name}"] for name in GROUP_NAMES] == [2, 0, 1]
    known = [value for value in record.values() if value is not None]
    assert all(type(value) in (int, float) for value in known)


def test_a_mean_over_nobody_is_not_a_number_and_null_in_a_record():
    record = as_record(METRICS, no_outcome(METRICS, 0))
    for group_name in (None, *GROUP_NAMES):
        assert all(record[name] is None for name in metric_names(group_name, METRICS))
    nobody = count(METRICS, np.zeros(3, np.int32), np.zeros(3, bool))
    assert all(np.isnan(value) for value in averages(METRICS, nobody).values())


def test_no_outcome_has_the_form_of_any():
    metrics = (*METRICS, exposure(10))
    found = count(metrics, np.zeros(3, np.int32))
    blank = no_outcome(metrics, 1)
    assert jax.tree.structure(found) == jax.tree.structure(blank)
    for one, other in zip(*map(jax.tree.leaves, (found, blank)), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)


def test_a_test_item_without_a_finite_score_hits_nothing_and_is_counted():
    ranks = np.array([0, NO_RANK, NO_RANK, NO_RANK], np.int32)
    evaluated = np.array([True, True, True, False])
    record = as_record(DEFAULT_METRICS, count(DEFAULT_METRICS, ranks, evaluated))
    assert record["hr@10"] == np.float32(1 / 3)
    assert record["nonfinite_scores"] == 2


def test_users_without_a_group_count_only_overall():
    group = np.array([NO_GROUP, 0], np.int32)
    outcome = count(DEFAULT_METRICS, np.array([0, 99], np.int32), group=group)
    np.testing.assert_array_equal(outcome.num_users, [2, 1, 0, 0])
