"""What Figure 1 and Proposition 1 state, held against a round."""

import math
from collections.abc import Callable, Iterable, Sequence

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
from jaxfr.sweeps.request import RunRequest

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
    sparse = {rule: _mean(broken[Rule(rule, "sparse")][tail]) for rule in robust}
    left = {rule: _median(left_when_dense(outcomes, rule)[tail]) for rule in robust}
    return [
        Finding(
            f"{name}: in dense aggregation a robust rule filters outliers out (at most "
            f"{100 * HOLDS:g} % of the items carried off by noise)",
            _all(dense.values(), lambda share: share <= HOLDS),
            _shares(dense),
        ),
        Finding(
            f"{name}: in sparse aggregation the same rules fail for tail items (more "
            f"than {100 * FAILS:g} % of the items with fewer than {TAIL_DEGREE} "
            "interactions carried off)",
            _all(sparse.values(), lambda share: share > FAILS),
            _shares(sparse),
        ),
        Finding(
            f"{name}: a dense robust rule skews items towards zero, as zeros are the "
            f"majority (without attack, at most {100 * DROWNED:g} % of a tail item's "
            "sparse update is left)",
            _all(left.values(), lambda share: share <= DROWNED),
            _shares(left),
        ),
    ]


def proposition_1(name: str, base: RunRequest, moment: Moment) -> Finding:
    """One malicious client against the mean, by the rows of Spattack-O-D."""
    rule = Rule("mean", "sparse")
    clean, attacked = (
        np.linalg.norm(np.asarray(aggregate(base, moment, rule, attack, 1)), axis=1)
        for attack in (CLEAN, OPPOSITE)
    )
    statement = (
        f"{name}: under the mean a single malicious client sets the aggregate of every "
        "item to zero (Proposition 1)"
    )
    usual = _median(clean[clean > 0])
    if math.isnan(usual):
        return Finding(statement, None, "without attack no item moves either")
    remainder = float(np.max(attacked)) / usual
    return Finding(
        statement,
        remainder <= ZERO,
        f"the longest aggregate of any item is {remainder:.1g} of the usual (median) "
        "length without attack",
    )


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else math.nan


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else math.nan


def _all(shares: Iterable[float], holds: Callable[[float], bool]) -> bool | None:
    """Whether something holds of all shares; None where there is none of some items."""
    found = list(shares)
    if not found or any(map(math.isnan, found)):
        return None
    return all(map(holds, found))


def _shares(by_rule: dict[str, float]) -> str:
    if not by_rule:
        return "no robust rule was compared"
    return ", ".join(
        f"{rule.replace('_', ' ')} "
        + ("no such item" if math.isnan(share) else f"{100 * share:.1f} %")
        for rule, share in by_rule.items()
    )
