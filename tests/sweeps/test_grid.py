"""Lists of values crossed to requests."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.grid import cross, parse_seeds
from jaxfr.sweeps.request import RunRequest


def test_without_axes_there_is_one_run_with_the_defaults():
    assert cross({}) == [RunRequest()]


@given(
    st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
    st.lists(st.sampled_from(["mean", "median", "krum"]), min_size=1, unique=True),
    st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True),
)
def test_every_combination_of_values_comes_once(rounds, aggregators, seeds):
    found = cross({"seed": seeds, "aggregator": aggregators, "rounds": rounds})
    assert len(found) == math.prod(map(len, (rounds, aggregators, seeds)))
    assert {(r.rounds, r.experiment.aggregator.name, r.seed) for r in found} == {
        (r, a, seed) for r in rounds for a in aggregators for seed in seeds
    }


def test_the_seed_varies_fastest():
    found = cross({"seed": [3, 4], "rounds": [5, 6]})
    assert [(r.rounds, r.seed) for r in found] == [(5, 3), (5, 4), (6, 3), (6, 4)]


def test_alternatives_replace_axes_one_after_the_other():
    clean = {"attack": ["none"], "malicious_ratio": [0.0]}
    attacked = {"attack": ["spattack_o_d"]}
    axes = {"malicious_ratio": [0.03, 0.05], "seed": [0]}
    found = cross(axes, [clean, attacked])
    experiments = [request.experiment for request in found]
    assert [(one.attack.name, one.malicious_ratio) for one in experiments] == [
        ("none", 0.0),
        ("spattack_o_d", 0.03),
        ("spattack_o_d", 0.05),
    ]


def test_what_several_alternatives_name_is_run_once():
    assert len(cross({"seed": [0, 1]}, [{"rounds": [5, 6]}, {"rounds": [6, 7]}])) == 6


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0", (0,)), ("5", (5,)), ("0:3", (0, 1, 2)), ("7,0:2, 5", (7, 0, 1, 5))],
)
def test_seeds_are_a_list_a_range_or_both(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "3:3", "1,1", "0:2,1", "-1", f"{2**32}", f"{2**63}"]
)
def test_seeds_without_meaning_are_refused(text):
    with pytest.raises(InvalidInputError, match="seeds="):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["0:10000000000", f"0:{10**30}", "0:2000000"])
def test_more_seeds_than_a_sweep_has_runs_are_refused_unmade(text):
    with pytest.raises(InvalidInputError, match=r"seeds=.* at most 1000000 runs"):
        parse_seeds(text)


def test_more_runs_than_a_sweep_has_are_refused_unmade():
    axes = {"seed": range(10**6), "rounds": range(1, 10**6)}
    with pytest.raises(InvalidInputError, match="runs: a sweep has at most 1000000"):
        cross(axes)
