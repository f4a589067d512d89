"""Which records are a run's."""

import pytest

from jaxfr.records.contents import lack_of_record
from tests.records.whole import whole_record

# Fields that came to records after the first stores, step by step.
STEPS = (
    {"scope", "lie_z"},
    {
        *("neighbours_per_item", "pseudo_items", "privacy_clip", "privacy_noise"),
        "repeated_negatives",
    },
    {"room_for_malicious_clients", "nonfinite_scores"},
    {"metrics", "targets", "chance", "most_popular"},
)
LATER = set().union(*STEPS)
POINT = whole_record()["curve"][0]


def without(*names: str) -> dict:
    return {name: v for name, v in whole_record().items() if name not in names}


def test_a_whole_record_lacks_nothing():
    assert lack_of_record(whole_record()) is None


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_records_of_older_stores_lack_what_came_later(steps):
    assert lack_of_record(without(*set().union(*STEPS[-steps:]))) is None


@pytest.mark.parametrize("name", sorted(whole_record().keys() - STEPS[-1]))
def test_a_record_without_one_of_its_fields_is_none(name):
    assert lack_of_record(without(name)) == f"has no {name}"


def test_a_record_has_the_metrics_that_its_settings_name():
    other = without("hr@10", "hr@10_tail") | {"metrics": "hr@5,ndcg@5,ndcg@10,er@3"}
    assert lack_of_record(other) == "has no er@3"
    points = {"curve": [POINT | {"er@3": None}]}
    assert lack_of_record(other | points | {"er@3": None}) is None
    foreign = without("hr@10") | {"metrics": "ndcg@10,mrr", "mrr": 0.5}
    assert lack_of_record(foreign | {"curve": [POINT | {"mrr": 1}]}) is None


@pytest.mark.parametrize("name", whole_record())
def test_a_field_of_another_type_is_told(name):
    for value in ([["x"]], True):
        lack = lack_of_record(whole_record(**{name: value}))
        assert lack is not None
        assert lack.startswith((f"has {name}=", f"has a {name}", f"has {name} that"))


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1, "clip_norm": 2, "lie_z": 0.5, "init_from": "start.npz"},
        {"hr@5_tail": None, "given_hash": "ab", "num_ranked": 17.5},
        {"something_new": {"of": ["any", {"kind": None}]}, "": 3},
        {"finished": "2025-01-01T00:00:00-11:30", "versions": {}},
    ],
)
def test_what_a_field_may_hold_besides(changes):
    assert lack_of_record(whole_record(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"hr@10": None}, "has hr@10=None"),
        ({"seed": 1.0}, "has seed=1.0"),
        ({"device": "x" * 99, "attack": 7}, "has attack=7"),
        ({"model": ["x" * 99]}, f"has model=['{'x' * 35}..."),
        ({"finished": "yesterday"}, "has finished='yesterday'"),
        ({"finished": "2026-11-24T13:00:00"}, "has finished='2026-11-24T13:00:00'"),
        ({"seconds": {"train": "1"}}, "has seconds that are no numbers"),
        ({"versions": {"jax": 1}}, "has versions that are no text"),
        ({"chance": {"hr@10": "1"}}, "has chance that are no numbers"),
        ({"most_popular": {"hr@10": [1]}}, "has most_popular that are no numbers"),
        ({"curve": []}, "has an empty curve"),
        ({"curve": [POINT, 7]}, "has a curve without rounds"),
        ({"curve": [POINT | {"round": 1.5}]}, "has a curve without rounds"),
        ({"curve": [POINT | {"ndcg@5": "1"}]}, "has a curve without ndcg@5"),
    ],
)
def test_what_it_may_not_hold(changes, lack):
    assert lack_of_record(whole_record(**changes)) == lack
