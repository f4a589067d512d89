"""Entries: they fall, they rise with other code only, and their errata say why."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.tournament import Entry, enter, judge, read_entries
from jaxfr.tournament.entries import make_entry, write_entry
from tests.tournament.samples import SUITE, record, trial


def entry_of(
    worst: float,
    attack: str = "a",
    code: str = "1",
    er: float = 0.1,
    own_files: tuple[str, ...] = (),
) -> Entry:
    records = {}
    for defense in ("mean", "median+mean"):
        records[trial(defense)] = record(0.5, **{"er@10": 0.0})
        records[trial(defense, attack)] = record(worst, **{"er@10": er})
    standings = [*judge(records, "hr@10"), *judge(records, "er@10")]
    extra = () if attack == "a" else (attack,)
    return make_entry("median+mean", SUITE, extra, code, standings, own_files)


def worst(entry: Entry) -> list[float]:
    return [one["worst"] for one in entry.standings]


def test_an_entry_is_of_its_defense_alone_and_reads_as_it_was_written(tmp_path):
    entry = entry_of(0.3)
    assert worst(entry) == [0.3, 0.1]
    assert write_entry(entry, tmp_path).name == "median-mean.json"
    assert read_entries(tmp_path) == [entry]


def test_a_stronger_attack_lowers_an_entry_and_an_erratum_says_so():
    fallen = enter(entry_of(0.3), entry_of(0.2, "./mine.py:strong"))
    assert worst(fallen) == [0.2, 0.1]
    assert fallen.attacks == ("./mine.py:strong",)
    (erratum,) = fallen.errata
    assert (erratum["metric"], erratum["before"], erratum["after"]) == (
        "hr@10",
        0.3,
        0.2,
    )
    assert erratum["why"] == "./mine.py:strong (before a)"


def test_what_is_better_when_less_falls_upwards():
    fallen = enter(entry_of(0.3), entry_of(0.3, er=0.4))
    assert worst(fallen) == [0.3, 0.4]
    assert [one["metric"] for one in fallen.errata] == ["er@10"]


def test_an_entry_of_the_same_code_never_rises():
    kept = enter(entry_of(0.3), entry_of(0.4))
    assert worst(kept) == [0.3, 0.1]
    assert kept.errata == ()


def test_with_other_code_it_may_rise_and_the_erratum_names_the_code():
    risen = enter(entry_of(0.3), entry_of(0.4, code="2"))
    assert worst(risen) == [0.4, 0.1]
    assert risen.errata[0]["why"] == "a (before a), code 2 (before 1)"


def test_of_a_file_that_says_something_else_nothing_earlier_stands():
    old = entry_of(0.3, "./mine.py:strong", own_files=("1-mine.py",))
    new = entry_of(0.4, own_files=("2-mine.py",))
    of_one_metric = dataclasses.replace(new, standings=new.standings[:1])
    changed = enter(old, of_one_metric)
    assert worst(changed) == [0.4]
    assert (changed.attacks, changed.own_files) == ((), ("2-mine.py",))
    assert [(one["after"], one["why"]) for one in changed.errata] == [
        (0.4, "a (before ./mine.py:strong), own files 2-mine.py (before 1-mine.py)"),
        (None, "not tried, own files 2-mine.py (before 1-mine.py)"),
    ]


def test_errata_stay():
    twice = enter(enter(entry_of(0.3), entry_of(0.2)), entry_of(0.1))
    assert [one["after"] for one in twice.errata] == [0.2, 0.1]
    assert enter(twice, entry_of(0.1)).errata == twice.errata


def test_entries_of_another_suite_are_not_mixed():
    other = dataclasses.replace(entry_of(0.3), suite_hash="other")
    with pytest.raises(InvalidInputError, match="entries of another suite"):
        enter(other, entry_of(0.3))


@given(
    content=st.binary(max_size=40)
    | st.dictionaries(st.sampled_from(["suite", "standings"]), st.integers()).map(
        lambda fields: json.dumps(fields).encode()
    )
)
def test_what_is_no_entry_is_told_by_its_file(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("entries")
    (folder / "bad.json").write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"bad\.json"):
        read_entries(folder)
