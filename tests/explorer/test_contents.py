"""What the page is told is what the store holds."""

import json

from jaxfr.explorer import contents_of
from jaxfr.explorer.contents import Column
from jaxfr.records import looks
from tests.explorer.samples import sample_records
from tests.records.whole import older_record, whole_record


def expanded(column: Column) -> list:
    values = column["values"]
    return [values[place] for place in column["at"]] if "at" in column else values


def test_every_run_has_its_values():
    records = sample_records()
    told = contents_of(records, "store")
    assert told["runs"] == len(records)
    for name in ("run", "seed", "attack", "aggregator", "hr@10", "hr@10_head"):
        assert expanded(told["columns"][name]) == [one[name] for one in records]
    assert told["varying"] == ["attack", "aggregator"]
    assert told["columns"]["rounds"] == {"values": [200]}
    assert told["curves"]["hr@10"][1] == [0.125, records[1]["hr@10"]]
    assert expanded(told["references"]["chance"]["hr@10"]) == [0.125]


def test_values_that_are_equal_and_of_different_types_stay_apart():
    records = [
        record | {"own_option": value}
        for record, value in zip(sample_records(), (1, 1.0, True), strict=False)
    ]
    values = contents_of(records, "store")["columns"]["own_option"]["values"]
    assert [type(value) for value in values] == [int, float, bool]


def test_of_the_same_settings_the_last_run_counts():
    first, *_ = sample_records()
    older = first | {
        "run": first["run"].replace("aaaa", "bbbb"),
        "finished": "2025-01-01T00:00:00+00:00",
    }
    told = contents_of([older, first], "store")
    assert told["older"] == 1
    assert told["columns"]["run"]["values"] == [first["run"]]


def test_what_is_not_finished_is_told_where_there_is_any():
    unfinished = {"running": 2, "left": 0, "failed": 1}
    told = contents_of(sample_records(), "store", unfinished)
    assert told["unfinished"] == {"running": 2, "failed": 1}
    assert contents_of(sample_records(), "store")["unfinished"] == {}


def test_records_of_earlier_versions_are_told_too():
    told = contents_of([older_record(), *sample_records()], "store")
    json.dumps(told, allow_nan=False)
    assert told["runs"] == 19


def test_values_are_titled_as_in_pictures_where_no_two_are_called_the_same():
    first, second, *_ = records = sample_records()
    titles = contents_of(records, "store")["titles"]
    assert titles["attack"]["spattack_o_d"] == "Spattack-O-D"
    assert titles["aggregator"] == {"mean": "Mean", "median": "Median"}
    assert titles["dataset"] == {"ml-100k": "ML-100K"}
    two = [first | {"dataset": "a/mine.csv"}, second | {"dataset": "b/mine.csv"}]
    assert contents_of(two, "store")["titles"]["dataset"] == {}


def test_a_part_with_options_has_the_colour_of_its_name_where_it_is_the_only_one():
    lie = whole_record(attack="lie", lie_z=None)
    longer = lie | {"run": "1111111111111111-aaaa0000", "lie_z": 1.5}
    one = contents_of([longer], "store")["colors"]["attack"]
    assert one == {"lie:lie_z=1.5": looks(["lie"])["lie"].color}
    two = contents_of([lie, longer], "store")["colors"]["attack"]
    assert set(two) == {"lie", "lie:lie_z=1.5"}
    assert len(set(two.values())) == 2
