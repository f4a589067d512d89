"""Metrics by their names."""

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import hit_ratio
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
