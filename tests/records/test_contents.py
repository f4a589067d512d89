"""Which records are a run's."""

import pytest

from jaxfr.records.contents import lack_of_record, option_names
from jaxfr.records.export import flatten
from jaxfr.sweeps.request import RUN_OPTIONS, RunRequest
from tests.records.whole import older_record, whole_record

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
POINT = whole_record()["curve"][0]
# A run of parts with options of all kinds of values.
MANY_OPTIONS = RunRequest().replace(
    model="fedgnn",
    attack="spattack_l_s",
    aggregator="clip_by_norm+classic_trimmed_mean:0.1",
)
OF_PARTS = {
    *("embedding_dim", "neighbours_per_item", "noise_scale", "max_poisoned_items"),
    *("clip_norm", "trim_share"),
}
# Told apart by their fields, as the experiment has a learning rate itself.
OF_OPTIMIZERS = {"client_optimizer_learning_rate", "server_optimizer_learning_rate"}


def without(*names: str) -> dict:
    return {name: v for name, v in whole_record().items() if name not in names}


def test_a_whole_record_lacks_nothing():
    assert lack_of_record(whole_record()) is None
    assert lack_of_record(whole_record(MANY_OPTIONS)) is None


def test_a_record_that_an_earlier_version_wrote_is_one():
    older = older_record()
    assert lack_of_record(older) is None
    # It has the options of all parts, used or not, and one that is no more.
    assert {*OF_PARTS, "lie_z", "scope", "krum_distance", "trim_form"} <= older.keys()
    assert older.keys().isdisjoint(OF_OPTIMIZERS)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_records_of_older_stores_lack_what_came_later(steps):
    lacking = set().union(*STEPS[-steps:])
    for record in (whole_record(), older_record()):
        left = {name: value for name, value in record.items() if name not in lacking}
        assert lack_of_record(left) is None


@pytest.mark.parametrize(
    "name", sorted(whole_record().keys() - STEPS[-1] - OF_PARTS - OF_OPTIMIZERS)
)
def test_a_record_without_one_of_its_fields_is_none(name):
    assert lack_of_record(without(name)) == f"has no {name}"


@pytest.mark.parametrize("name", sorted(OF_PARTS | OF_OPTIMIZERS))
def test_options_of_parts_are_there_where_a_run_uses_them(name):
    whole = whole_record(MANY_OPTIONS)
    del whole[name]
    assert lack_of_record(whole) is None


def test_what_was_run_is_told_by_options_and_by_those_of_parts_used():
    record = whole_record(MANY_OPTIONS)
    names = option_names([record])
    assert set(names) == {*RUN_OPTIONS, "seed"} | OF_PARTS | OF_OPTIMIZERS
    assert names == [name for name in record if name in names]


def test_options_of_some_records_are_those_of_any_also_of_older_ones():
    new, older = whole_record(), older_record()
    found = option_names([new, older])
    assert {"lie_z", "trim_form", "clip_norm", "learning_rate"} <= set(found)
    assert len(found) == len(set(found))
    outcomes = {"run", "code_version", "hr@10", "hr@10_tail", "curve", "finished"}
    assert outcomes.isdisjoint(found)
    assert {"num_devices", "max_poisoned_items_used", "chance"}.isdisjoint(found)


def test_a_record_has_the_metrics_that_its_settings_name():
    other = without("hr@10", "hr@10_tail") | {"metrics": "hr@5,ndcg@5,ndcg@10,er@3"}
    assert lack_of_record(other) == "has no er@3"
    points = {"curve": [POINT | {"er@3": None}]}
    assert lack_of_record(other | points | {"er@3": None}) is None
    foreign = without("hr@10") | {"metrics": "ndcg@10,mrr", "mrr": 0.5}
    assert lack_of_record(foreign | {"curve": [POINT | {"mrr": 1}]}) is None


def test_outcomes_by_the_names_of_an_export_are_no_options():
    record = whole_record(MANY_OPTIONS)
    assert option_names([{**flatten(record), **record}]) == option_names([record])


@pytest.mark.parametrize(
    "name", sorted(whole_record(MANY_OPTIONS).keys() - OF_OPTIMIZERS)
)
def test_a_field_of_another_type_is_told(name):
    for value in ([["x"]], True):
        lack = lack_of_record(whole_record(MANY_OPTIONS, **{name: value}))
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
