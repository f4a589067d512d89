"""What Figure 1 and Proposition 1 state, held against a round."""

from collections.abc import Iterable, Sequence

import numpy as np

from experiments.studies.figure1_2.one_round import Moment, Rule, aggregate
from experiments.studies.figure1_2.sparse_aggregation import (
    OPPOSITE,
    Outcome,
    left_when_dense,
)
from experiments.studies.section import Finding
from jaxfr.attacks import CLEAN
from jaxfr.data.statistics import TAIL_DEGREE
from jaxfr.sweeps.settings import Settings

# Rules with a breakdown point above 0.
ROBUST = ("median", "trimmed_mean", "krum")

# Shares of items, from 0 to 1: at most so many may fall where a rule holds; at least so
# many must where it fails. What dense aggregation leaves of an update that drowns.
HOLDS, FAILS, DROWNED = 0.01, 0.5, 0.05

# Largest remainder of an aggregate that counts as zero, of the usual length of one.
ZERO = 1e-4


def aggregation_findings(
    name: str, outcomes: Sequence[Outcome], degree: np.ndarray
) -> list[Finding]:
    """The statements of Figures 1 and 2 on dense and sparse aggregation.

    Args:
        name: the data set.
        outcomes: of a trained round.
        degree: interactions of each item, int ``[m]``.
    """
    rules = dict.fromkeys(outcome.rule.aggregator for outcome in outcomes)
    robust = [rule for rule in rules if rule in ROBUST]
    tail = degree < TAIL_DEGREE
    broken = {outcome.rule: outcome.broken for outcome in outcomes}
    dense = {rule: float(np.mean(broken[Rule(rule, "dense")])) for rule in robust}
    sparse = {
        rule: float(np.mean(broken[Rule(rule, "sparse")][tail])) for rule in robust
    }
    left = {
        rule: float(np.nanmedian(left_when_dense(outcomes, rule)[tail]))
        for rule in robust
    }
    return [
        Finding(
            f"{name}: in dense aggregation a robust rule filters outliers out (at most "
            f"{100 * HOLDS:g} % of the items carried off by noise)",
            _all(share <= HOLDS for share in dense.values()),
            _shares(dense),
        ),
        Finding(
            f"{name}: in sparse aggregation the same rules fail for tail items (more "
            f"than {100 * FAILS:g} % of the items with fewer than {TAIL_DEGREE} "
            "interactions carried off)",
            _all(share > FAILS for share in sparse.values()),
            _shares(sparse),
        ),
        Finding(
            f"{name}: a dense robust rule skews items towards zero, as zeros are the "
            f"majority (without attack, at most {100 * DROWNED:g} % of a tail item's "
            "sparse update is left)",
            _all(share <= DROWNED for share in left.values()),
            _shares(left),
        ),
    ]


def proposition_1(name: str, base: Settings, moment: Moment) -> Finding:
    """One malicious client against the mean, by the rows of Spattack-O-D."""
    rule = Rule("mean", "sparse")
    clean, attacked = (
        np.linalg.norm(np.asarray(aggregate(base, moment, rule, attack, 1)), axis=1)
        for attack in (CLEAN, OPPOSITE)
    )
    usual = float(np.median(clean[clean > 0]))
    remainder = float(np.max(attacked)) / usual
    return Finding(
        f"{name}: under the mean a single malicious client sets the aggregate of every "
        "item to zero (Proposition 1)",
        remainder <= ZERO,
        f"the longest aggregate of any item is {remainder:.1g} of the usual (median) "
        "length without attack",
    )


def _all(answers: Iterable[bool]) -> bool | None:
    found = list(answers)
    return all(found) if found else None


def _shares(by_rule: dict[str, float]) -> str:
    if not by_rule:
        return "no robust rule was compared"
    return ", ".join(
        f"{rule.replace('_', ' ')} {100 * share:.1f} %"
        for rule, share in by_rule.items()
    )
