"""Suites: what a file may say, and the frozen ones."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.attacks import ATTACKS, CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.texts import read_part
from jaxfr.tournament import SUITES, read_suite
from tests.tournament.samples import SUITE, fields

# Of all that a defense meets. Whoever changes a suite that has entries names another.
FROZEN = {"v1": "72cbdac46875", "quick": "d29f0cb45b8e"}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_that_comes_with_jaxfr_is_what_it_was(name):
    suite = read_suite(name)
    assert (suite.name, suite.hash) == (name, FROZEN[name])


@pytest.mark.parametrize("name", SUITES)
def test_parts_of_a_suite_are_known(name):
    suite = read_suite(name)
    for field in ("attack", "model", "aggregator"):
        for text in getattr(suite, field):
            assert str(read_part(field, text, own_files=False)) == text
    assert CLEAN not in suite.attack
    assert parse_seeds(suite.seeds)
    assert {text.split(":")[0] for text in suite.attack} <= ATTACKS.keys()


def test_a_file_says_what_a_suite_is(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(fields()))
    assert read_suite(str(path)) == SUITE


@pytest.mark.parametrize("seeds", ["0,1", [0, 1], ["0", 1]])
def test_seeds_are_written_as_in_a_sweep_file(tmp_path, seeds):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(fields() | {"seeds": seeds}))
    assert read_suite(str(path)).seeds == "0,1"
    path.write_text(json.dumps(fields() | {"seeds": 5}))
    assert parse_seeds(read_suite(str(path)).seeds) == (5,)


def test_the_hash_is_of_what_is_met_and_not_of_names_and_defenses():
    renamed = dataclasses.replace(SUITE, name="other", aggregator=("median",))
    assert renamed.hash == SUITE.hash
    for changed in (
        dataclasses.replace(SUITE, seeds="0:3"),
        dataclasses.replace(SUITE, attack=SUITE.attack[:1]),
        dataclasses.replace(SUITE, rounds=5),
    ):
        assert changed.hash != SUITE.hash


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rounds": "many"}, "rounds='many': must be a int"),
        ({"attack": []}, "attack: has no value"),
        ({"attack": [1]}, "attack=1: must be a str"),
        ({"attcak": []}, "attcak: is no field; did you mean attack"),
        ({"malicious_ratio": [True]}, "malicious_ratio=True: must be a float"),
    ],
)
def test_what_is_no_suite_is_refused_by_field(tmp_path, changes, told):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(fields() | changes))
    with pytest.raises(InvalidInputError, match=r"small.json: ") as refused:
        read_suite(str(path))
    assert told in str(refused.value)


def test_a_field_that_is_missing_is_told(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"name": "small"}))
    with pytest.raises(InvalidInputError, match="dataset: is missing"):
        read_suite(str(path))


@pytest.mark.parametrize("text", ["v9", "nowhere.json", "folder/"])
def test_a_suite_that_is_not_there_is_told_in_a_line(text):
    with pytest.raises(InvalidInputError):
        read_suite(text)


@given(content=st.binary(max_size=60) | st.just(b"[" * 100_000))
def test_no_file_ends_in_a_stack_trace(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("suites") / "any.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError):
        read_suite(str(path))
