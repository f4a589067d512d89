"""The rules and stages by name."""

import functools
from typing import Any

import numpy as np
import pytest

from jaxfr.aggregators import (
    AGGREGATORS,
    STAGES,
    Rule,
    Stage,
    chain,
    clip_by_norm,
    median,
)
from jaxfr.errors import InvalidInputError

from .oracles import (
    KAPPA,
    Oracle,
    aggregated,
    assert_right,
    clipped,
    loop_centred,
    loop_classic,
    loop_geometric,
    loop_krum,
    loop_mean,
    loop_median,
    loop_multi_krum,
    loop_shrink,
    loop_trimmed,
)
from .samples import factored_uploads, grouped

UPLOADS = grouped(factored_uploads([8, 4, 5, 12], seed=0))
BYZANTINE = 2


def loop_drop_a_third(rows: np.ndarray, byzantine: int, count: int) -> np.ndarray:
    return loop_classic(rows, 3, 9)


NAMED: list[tuple[str, dict[str, Any], Oracle]] = [
    ("mean", {}, loop_mean),
    ("median", {}, loop_median),
    ("trimmed_mean", {}, loop_trimmed),
    ("classic_trimmed_mean", {}, loop_classic),
    ("classic_trimmed_mean", {"trim_share": 1 / 3}, loop_drop_a_third),
    ("krum", {}, loop_krum(2)),
    ("krum", {"krum_distance": "plain"}, loop_krum(1)),
    ("norm", {}, clipped(loop_mean, 1.0)),
    ("norm", {"clip_norm": 0.3}, clipped(loop_mean, 0.3)),
    ("shrink", {"kappa": KAPPA}, loop_shrink),
    ("geometric_median", {}, loop_geometric),
    ("multi_krum", {}, loop_multi_krum()),
    ("multi_krum", {"share": 0.3}, loop_multi_krum(0.3)),
    ("centred_clipping", {"radius": 0.4}, loop_centred(radius=0.4)),
    ("centred_clipping", {"divided_by": "all"}, loop_centred(0.0, True, 1.0)),
]
every_setting = pytest.mark.parametrize("setting", range(len(NAMED)))


@functools.cache
def rule_of(setting: int) -> Rule:
    name, options, _ = NAMED[setting]
    rule = AGGREGATORS[name](**options).make()
    assert isinstance(rule, Rule)
    return rule


def result(setting: int) -> np.ndarray:
    return aggregated(rule_of(setting), UPLOADS, BYZANTINE)


@every_setting
def test_a_name_with_options_stands_for_its_rule(setting):
    assert_right(result(setting), NAMED[setting][2], UPLOADS, BYZANTINE)


def test_no_two_settings_are_the_same_rule():
    distinct = {result(setting).tobytes() for setting in range(len(NAMED))}
    assert len(distinct) == len(NAMED)


def test_there_are_the_rules_of_the_paper_and_a_stage():
    assert {name for name, _, _ in NAMED} == AGGREGATORS.keys()
    assert all(isinstance(one().make(), Rule) for one in AGGREGATORS.values())
    names = [
        "clip_by_norm",
        "scale",
        "clip_growth",
        "clip_adaptive",
        "budget",
        "overlap",
        "reputation",
        "sign_guard",
        "dnc",
        "caf",
        "fools_gold",
        "flame",
        "realisable",
        "bucketing",
        "nearest_neighbour_mixing",
        "arc",
    ]
    assert list(STAGES) == names
    assert all(isinstance(one().make(), Stage) for one in STAGES.values())


def test_only_rules_that_see_rows_side_by_side_need_groups():
    needs = {
        NAMED[setting][0]: rule_of(setting).needs_groups
        for setting in range(len(NAMED))
    }
    summing = {"mean", "norm", "shrink", "geometric_median", "centred_clipping"}
    assert {name for name, needed in needs.items() if not needed} == summing


@every_setting
def test_a_rule_expects_byzantine_clients_if_their_number_changes_anything(setting):
    rule = rule_of(setting)
    few, many = (aggregated(rule, UPLOADS, byzantine) for byzantine in (0, 6))
    assert rule.expects_byzantine == bool(np.any(few != many))


def test_a_chain_of_parts_makes_the_chain_of_what_they_make():
    rule = chain(clip_by_norm(0.3), median()).make()
    assert isinstance(rule, Rule)
    found = aggregated(rule, UPLOADS, BYZANTINE)
    assert_right(found, clipped(loop_median, 0.3), UPLOADS, BYZANTINE)
    assert isinstance(chain(clip_by_norm(0.3), clip_by_norm()).make(), Stage)
    with pytest.raises(InvalidInputError, match="before the end"):
        chain(median(), clip_by_norm()).make()
