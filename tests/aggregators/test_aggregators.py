"""The rules by name."""

import functools

import numpy as np
import pytest

from jaxfr.aggregators import AGGREGATORS, AggregatorOptions

from .oracles import (
    Oracle,
    aggregated,
    assert_right,
    clipped,
    loop_classic,
    loop_krum,
    loop_mean,
    loop_median,
    loop_trimmed,
)
from .samples import factored_uploads, grouped

UPLOADS = grouped(factored_uploads([8, 4, 5, 12], seed=0))
BYZANTINE = 2


def loop_drop_a_third(rows: np.ndarray, byzantine: int, count: int) -> np.ndarray:
    return loop_classic(rows, 3, 9)


NAMED: list[tuple[str, AggregatorOptions, Oracle]] = [
    ("mean", AggregatorOptions(), loop_mean),
    ("median", AggregatorOptions(), loop_median),
    ("trimmed_mean", AggregatorOptions(), loop_trimmed),
    ("trimmed_mean", AggregatorOptions(trim_form="classic"), loop_classic),
    (
        "trimmed_mean",
        AggregatorOptions(trim_form="classic", trim_share=1 / 3),
        loop_drop_a_third,
    ),
    ("krum", AggregatorOptions(), loop_krum(2)),
    ("krum", AggregatorOptions(krum_distance="plain"), loop_krum(1)),
    ("norm", AggregatorOptions(), clipped(loop_mean, 1.0)),
    ("norm", AggregatorOptions(clip_norm=0.3), clipped(loop_mean, 0.3)),
]


@functools.cache
def result(setting: int) -> np.ndarray:
    name, options, _ = NAMED[setting]
    return aggregated(AGGREGATORS[name](options), UPLOADS, BYZANTINE)


@pytest.mark.parametrize("setting", range(len(NAMED)))
def test_a_name_with_options_stands_for_its_rule(setting):
    assert_right(result(setting), NAMED[setting][2], UPLOADS, BYZANTINE)


def test_no_two_settings_are_the_same_rule():
    distinct = {result(setting).tobytes() for setting in range(len(NAMED))}
    assert len(distinct) == len(NAMED)


def test_there_are_the_rules_of_the_paper():
    assert set(AGGREGATORS) == {"mean", "median", "trimmed_mean", "krum", "norm"}


def test_only_rules_that_see_rows_side_by_side_need_groups():
    needs = {
        name: make(AggregatorOptions()).needs_groups
        for name, make in AGGREGATORS.items()
    }
    assert {name for name, needed in needs.items() if not needed} == {"mean", "norm"}
