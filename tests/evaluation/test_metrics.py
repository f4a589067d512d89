"""Metrics by their names."""

import jax
import jax.numpy as jnp
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import NO_RANK, hit_ratio, mean_over_users, percentile
from jaxfr.evaluation.names import (
    DEFAULT_NAMES,
    find_metric,
    is_higher_better,
    metric_names,
    null_where_nobody,
    overall_fields,
    parse_metrics,
)


def test_the_default_metrics_are_hit_ratio_and_ndcg_at_5_and_10():
    assert metric_names() == ("hr@5", "ndcg@5", "hr@10", "ndcg@10")
    assert metric_names("tail")[0] == "hr@5_tail"


@pytest.mark.parametrize(
    ("name", "ranking"),
    [
        ("hr@10", "own"),
        ("percentile", "own"),
        ("full_ndcg@3", "full"),
        ("sampled_percentile", "sampled"),
        ("within_third_hr@10", "within_third"),
        ("er@20", "targets"),
    ],
)
def test_a_metric_is_called_as_it_is_asked_for(name, ranking):
    (metric,) = parse_metrics(name)
    assert (metric.name, metric.ranking) == (name, ranking)
    assert (metric,) == parse_metrics(name)


def test_metrics_stand_in_the_order_asked_for():
    first, second = parse_metrics("percentile,hr@3")
    assert (first.name, second) == ("percentile", hit_ratio(3))


@pytest.mark.parametrize(
    "names",
    [
        *("", "hr", "hr@", "hr@0", "hr@1001", "hr@x", "percentile@5", "mrr", "hr@5,"),
        *("hr@10,hr@10", "full_er@10", "full_full_hr@5", "own_hr@5", "hr@5_tail"),
        *("hr@5 ,ndcg@5", "hr@9999999999", "HR@5"),
    ],
)
def test_what_is_no_metric_is_refused(names):
    with pytest.raises(InvalidInputError, match=r"^metrics="):
        parse_metrics(names)


def test_only_metrics_of_test_items_are_told_by_group():
    metrics = parse_metrics("hr@5,er@5,percentile")
    assert metric_names("head", metrics) == ("hr@5_head", "percentile_head")


@pytest.mark.parametrize(
    ("field", "better"),
    [
        *(("hr@10", True), ("full_ndcg@5_tail", True), ("seconds_train", True)),
        *(("percentile_head", False), ("within_third_percentile", False)),
        ("er@10", False),
    ],
)
def test_a_field_tells_whether_more_of_it_is_better(field, better):
    assert is_higher_better(field) is better


def test_a_field_that_is_no_metric_has_none():
    assert find_metric("users_tail") is None
    assert find_metric("hr@10_tail") == hit_ratio(10)


def test_an_older_record_has_the_default_metrics():
    assert ",".join(overall_fields({})) == DEFAULT_NAMES
    assert overall_fields({"metrics": "percentile,hr@3"}) == ("percentile", "hr@3")


def test_an_older_record_s_mean_over_nobody_is_read_as_null():
    older = {"hr@10": 0.5, "hr@10_head": 0.0, "hr@10_tail": 0.0, "seed": 3}
    older |= {"users_head": 0, "users_middle": 7, "users_tail": 5}
    assert null_where_nobody(older) == older | {"hr@10_head": None}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda rank, others: 1.0 * rank, "is 2 at rank 2 among 99 other items; must"),
        (lambda rank, others: rank / others, "is nan at rank 0 among 0 other items"),
        (
            lambda rank, others: rank / jnp.maximum(others, 1),
            f"is 2.14748e+09 at rank {NO_RANK} (an item without a finite score) among",
        ),
        (lambda rank, others: -1.0 * (rank == 150), "is -1 at rank 150 among 1999 o"),
        (lambda rank, others: jnp.log(1.0 - (rank == 1)), "is -inf at rank 1 among 1 "),
        (lambda rank, others: jnp.where(rank == 99, 1.1, 0), "is 1.1 at rank 99 among"),
    ],
)
@pytest.mark.parametrize("use", [lambda count: count, jax.jit])
def test_a_value_that_is_not_from_0_to_1_is_refused_where_it_is_used(use, value, told):
    metric = mean_over_users("mine", value, higher_is_better=True)
    with pytest.raises(InvalidInputError) as refused:
        use(metric.count_user)(jnp.int32(3), jnp.int32(9))
    assert str(refused.value).startswith(f"metrics=mine: {told}")


def test_what_float32_rounds_beyond_1_is_1():
    gain = mean_over_users("gain", lambda rank, _: (1.0 + 1.2e-7) / (1 + rank), True)
    assert gain.count_user(jnp.int32(0), jnp.int32(9)).tolist() == [256, 0, 2]


def test_a_rank_is_scaled_as_the_refusal_says():
    def value(rank, others):
        return jnp.minimum(rank, others) / jnp.maximum(others, 1)

    mine = mean_over_users("mine", value, higher_is_better=False)
    for rank, others in ((0, 9), (4, 9), (9, 9), (NO_RANK, 9)):
        place = jnp.int32(rank), jnp.int32(others)
        expected = percentile().count_user(*place)
        assert mine.count_user(*place).tolist() == expected.tolist()
