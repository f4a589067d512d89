"""Which records are chosen, and what varies among them."""

import datetime

import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.records.selection import (
    as_text,
    averaged_over,
    in_order,
    latest,
    of_code_version,
    select,
    varying,
)

SETTINGS = (
    *("attack", "max_poisoned_items", "aggregator"),
    *("clip_norm", "expected_byzantine", "seed"),
)


def record(attack: str = "none", **others) -> dict:
    fixed = {"aggregator": "mean", "clip_norm": None, "seed": 0, "curve": []}
    return {"attack": attack} | fixed | others


def finished(run: str, time: str, **others) -> dict:
    return {"run": run, "finished": f"2026-11-24T{time}", **others}


def test_of_several_code_versions_the_run_that_finished_last_stays():
    old = finished("aa-1", "13:00:00+00:00")
    new = finished("aa-2", "14:00:00+00:00")
    other = finished("bb-1", "12:00:00+00:00")
    assert latest([new, other, old]) == [new, other]
    assert latest([old, other, new]) == [other, new]


def test_a_version_that_is_wanted_again_counts_as_the_last():
    old = finished("aa-1", "13:00:00+00:00")
    new = finished("aa-2", "14:00:00+00:00")

    def at(hour: int) -> datetime.datetime:
        return datetime.datetime(2026, 11, 24, hour, tzinfo=datetime.UTC)

    assert latest([old, new], {"aa-1": at(12), "aa-2": at(13)}) == [new]
    assert latest([old, new], {"aa-1": at(15), "aa-2": at(13)}) == [old]


def test_runs_are_chosen_by_the_version_of_the_code():
    one, two = (
        finished("aa-1", "13:00:00+00:00", code_version="1a"),
        finished("aa-2", "14:00:00+00:00", code_version="2a"),
    )
    assert of_code_version([one, two], "all", {}) == [one, two]
    assert of_code_version([one, two], "latest", {}) == [two]
    assert of_code_version([one, two], "1", {}) == [one]
    with pytest.raises(InvalidInputError, match="beginning of 1a, 2a"):
        of_code_version([one, two], "3", {})


def test_times_are_compared_across_time_zones():
    early = finished("aa-1", "14:30:00+02:00")
    late = finished("aa-2", "13:00:00+00:00")
    assert latest([late, early]) == [late]


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [
        ("attack=none", [0]),
        ("attack!=none", [1, 2]),
        ("attack=none|spattack_l_s", [0, 2]),
        ("attack!=none|spattack_l_s", [1]),
        ("clip_norm=none", [0, 1]),
        ("clip_norm=1", [2]),
        ("clip_norm!=1.0", [0, 1]),
        ("seed=1e0", [1]),
        ("seed=9007199254740993", [2]),
        ("synthetic=a=1,b=2", [1]),
        ("synthetic=none", [0, 2]),
    ],
)
def test_a_condition_chooses_by_value(condition, chosen):
    records = [
        record("none", seed=0),
        record("spattack_o_d", seed=1, synthetic="a=1,b=2"),
        record("spattack_l_s", clip_norm=1.0, seed=2**53 + 1),
    ]
    assert select(records, [condition]) == [records[place] for place in chosen]


def test_a_number_is_not_compared_as_text():
    assert select([record(rate=0.01)], ["rate=1e-2"])
    with pytest.raises(InvalidInputError):
        select([record(rate="0.01")], ["rate=1e-2"])


def test_all_conditions_must_hold():
    records = [
        record(attack, seed=seed)
        for attack in ("none", "spattack_o_d")
        for seed in (0, 1)
    ]
    assert select(records, ["attack=none", "seed!=0"]) == [records[1]]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            ["atack=none"],
            "'atack' is no column; did you mean attack?",
        ),
        (["curve=1"], "'curve' is no column"),
        (["attack"], "name=value"),
        (["=none"], "name=value"),
        (
            ["attack=spattack"],
            "attack=spattack; did you mean spattack_o_d?; there are none, spattack_o_d",
        ),
        (["attack=none|typo"], "no run has attack=typo"),
        (["seed=one"], "no run has seed=one; there are 0, 1"),
        (["seed!=0|1"], "leaves no run; there are 0, 1"),
        (["attack=none", "seed=1"], "seed=1: leaves no run; there are 0"),
    ],
)
def test_a_condition_that_means_nothing_says_what_is_there(conditions, message):
    records = [record("none", seed=0), record("spattack_o_d", seed=1)]
    with pytest.raises(InvalidInputError) as error:
        select(records, conditions)
    assert message in str(error.value)


def test_settings_vary_that_take_two_values_and_the_seed_does_not_count():
    records = [record("none", seed=0), record("none", seed=1, aggregator="median")]
    assert varying(records, SETTINGS) == ["aggregator"]


def test_what_a_seed_or_an_aggregator_brings_about_does_not_vary_by_itself():
    records = [
        record(seed=seed, aggregator=rule, clip_norm=clip, expected_byzantine=7 + seed)
        for seed in (0, 1)
        for rule, clip in (("mean", None), ("norm", 1.0))
    ]
    assert varying(records, SETTINGS) == ["aggregator"]
    assert varying(records, SETTINGS[:-1]) == ["aggregator"]


def test_an_option_that_runs_of_one_attack_have_does_not_vary_by_itself():
    """Otherwise those runs would not stand beside the clean ones."""
    records = [record("none"), record("spattack_o_s", max_poisoned_items=0)]
    assert varying(records, SETTINGS) == ["attack"]
    assert averaged_over(records, ["attack"], SETTINGS) == []
    records.append(record("spattack_o_s", max_poisoned_items=5))
    assert varying(records, SETTINGS) == ["attack", "max_poisoned_items"]


def test_what_was_set_with_nothing_else_different_varies():
    records = [
        record(seed=seed, clip_norm=clip, expected_byzantine=expected)
        for seed in (0, 1)
        for clip in (None, 1.0)
        for expected in (7, 8)
    ]
    assert varying(records, SETTINGS) == ["clip_norm", "expected_byzantine"]


def test_what_a_run_holds_as_it_was_set_varies_also_with_another_option():
    records = [
        record("none", attack_start=0, max_poisoned_items=0),
        record("spattack_o_s", attack_start=5, max_poisoned_items=5),
    ]
    names = (*SETTINGS, "attack_start")
    # But an option of a part is told by the part, where that tells it.
    assert varying(records, names) == ["attack", "attack_start"]


def test_a_setting_is_averaged_over_if_it_differs_inside_a_group():
    records = [record("none"), record("spattack_o_d", aggregator="median")]
    assert averaged_over(records, ["attack"], SETTINGS) == []
    records.append(record("none", clip_norm=1.0, aggregator="median"))
    assert averaged_over(records, ["attack"], SETTINGS) == ["aggregator"]
    records.append(record("none", clip_norm=2.0, aggregator="median"))
    assert averaged_over(records, ["attack"], SETTINGS) == ["aggregator", "clip_norm"]


def test_null_comes_before_numbers():
    assert in_order([2.0, None, 1, 2]) == [None, 1, 2.0]


@pytest.mark.parametrize("value", [None, True, 3, 0.1, 1e-7, 0.1 + 0.2, "median"])
def test_a_value_is_written_as_a_condition_finds_it(value):
    assert select([record(column=value)], [f"column={as_text(value)}"])
