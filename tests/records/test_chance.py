"""What a record stands beside: chance, and the most popular items."""

import math

import numpy as np
import pytest

from jaxfr.records.chance import (
    chance_level,
    is_no_better,
    main_metric,
    reference,
)

USERS = {"users_head": 500, "users_middle": 300, "users_tail": 200}


def clean(hit_ratio: float | None, **others: object) -> dict:
    return {"attack": "none", "hr@10": hit_ratio, "num_ranked": 100} | USERS | others


def test_chance_is_the_metric_of_a_random_order():
    ranks = np.arange(100)
    hits = np.where(ranks < 10, 1.0, 0.0)
    assert chance_level("hr@10", 100) == pytest.approx(hits.mean())
    assert chance_level("ndcg@10", 100) == pytest.approx(
        (hits / np.log2(ranks + 2)).mean()
    )


def test_what_a_run_stands_beside_is_in_its_record():
    known = {"chance": {"hr@10": 0.3}, "most_popular": {"hr@10_tail": 0.2}}
    assert reference(clean(0.5, **known), "chance", "hr@10") == 0.3
    assert reference(clean(0.5, **known), "most_popular", "hr@10_tail") == 0.2
    assert math.isnan(reference(clean(0.5, **known), "most_popular", "hr@10"))


def test_of_an_older_run_chance_is_known_by_the_number_of_items():
    assert reference(clean(0.5), "chance", "hr@10_tail") == pytest.approx(0.1)
    assert math.isnan(reference(clean(0.5), "chance", "seconds_train"))
    assert math.isnan(reference(clean(0.5), "most_popular", "hr@10"))


def test_with_fewer_items_than_are_shown_every_one_is_a_hit():
    assert chance_level("hr@10", 5) == 1.0


def test_a_run_is_no_better_up_to_two_standard_errors_above_chance():
    # Of 1,000 users at 0.1 the standard error is 0.0095.
    for hit_ratio, no_better in (
        (0.0, True),
        (0.1, True),
        (0.118, True),
        (0.12, False),
    ):
        assert is_no_better(clean(hit_ratio), "chance") == no_better


def test_a_run_is_held_against_the_most_popular_items_by_its_first_metric():
    # Of 1,000 users at 0.4 the standard error is 0.0155.
    for metric, value, no_better in (
        ("ndcg@5", 0.43, True),
        ("ndcg@5", 0.44, False),
        ("percentile", 0.37, True),
        ("percentile", 0.36, False),
    ):
        own = {"metrics": f"er@5,{metric}", metric: value, "er@5": 0.0}
        run = clean(None, most_popular={metric: 0.4, "er@5": 0.0}, **own)
        assert main_metric(run) == metric
        assert is_no_better(run, "most_popular") == no_better


@pytest.mark.parametrize(
    "record",
    [
        clean(1.0, num_ranked=6),
        clean(None),
        clean(0.1, num_ranked=None),
        clean(0.1, users_head=0, users_middle=0, users_tail=0),
        clean(None, metrics="er@10", chance={"er@10": 0.1}) | {"er@10": 0.1},
    ],
)
def test_nothing_is_said_where_lists_hold_everything_or_chance_is_not_known(record):
    assert not is_no_better(record, "chance")
