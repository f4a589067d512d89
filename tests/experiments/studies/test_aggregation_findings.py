import functools

import numpy as np
import pytest

from experiments.studies.figure1_2.aggregation_findings import (
    aggregation_findings,
    proposition_1,
)
from experiments.studies.figure1_2.one_round import Rule, clean_moments
from experiments.studies.figure1_2.sparse_aggregation import Outcome
from tests.experiments.studies.small_data import BASE, source

# Three items of the tail, one of the head.
DEGREE = np.array([1, 5, 20, 300])


def outcomes(
    rule: str, dense: list[int], sparse: list[int], left: float = 0.0
) -> list[Outcome]:
    nothing = np.zeros(4)
    return [
        Outcome(Rule(rule, form), np.array(broken, bool), nothing, nothing, length)
        for form, broken, length in (
            ("dense", dense, np.full(4, left)),
            ("sparse", sparse, np.ones(4)),
        )
    ]


def answers(*found: list[Outcome], degree: np.ndarray = DEGREE) -> list[bool | None]:
    together = [outcome for pair in found for outcome in pair]
    return [finding.holds for finding in aggregation_findings("x", together, degree)]


HELD, LOST = [0, 0, 0, 0], [1, 1, 0, 0]


def test_of_tail_items_nothing_can_be_told_where_there_are_none():
    popular = np.full(4, 300)
    found = answers(outcomes("median", HELD, LOST), degree=popular)
    assert found == [True, None, None]


def test_dense_holds_sparse_fails_in_the_tail_and_dense_leaves_nothing():
    assert answers(outcomes("median", HELD, LOST)) == [True, True, True]


def test_a_robust_rule_that_does_otherwise_decides():
    good = outcomes("median", HELD, LOST)
    assert answers(good, outcomes("krum", LOST, LOST)) == [False, True, True]
    assert answers(good, outcomes("krum", HELD, [0, 1, 0, 1])) == [True, False, True]
    assert answers(good, outcomes("krum", HELD, LOST, left=0.5)) == [True, True, False]


@pytest.mark.parametrize("rule", ["mean", "norm"])
def test_rules_that_are_not_robust_do_not_count(rule):
    good = outcomes("median", HELD, LOST)
    assert answers(good, outcomes(rule, LOST, HELD, left=1.0)) == [True, True, True]
    assert answers(outcomes(rule, LOST, HELD)) == [None, None, None]


@functools.cache
def moment():
    return clean_moments(BASE, source(), (2,))[0]


def test_proposition_1_holds_in_a_round():
    finding = proposition_1("x", BASE, moment())
    assert finding.holds is True


def test_proposition_1_does_not_hold_where_items_move_on(monkeypatch):
    monkeypatch.setattr(
        "experiments.studies.figure1_2.aggregation_findings.OPPOSITE", "spattack_l_d"
    )
    assert proposition_1("x", BASE, moment()).holds is False
