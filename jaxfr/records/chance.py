"""What random and most popular items would score, and whether a run does better."""

import math

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import find_metric
from jaxfr.store import Record

CHANCE = "chance"
MOST_POPULAR = "most_popular"
# What a run stands beside, as records name it.
REFERENCES = (CHANCE, MOST_POPULAR)

HIT_RATIO = "hr@10"
_CUTOFF = 10


def chance_level(metric: str, num_ranked: float) -> float:
    """The metric, such as ``hr@10``, of a random order; NaN where that is not known.

    Of ``num_ranked`` items in each user's ranking one is the test item.
    """
    found = find_metric(metric)
    if found is None or found.chance is None:
        return math.nan
    return float(found.chance(np.array([num_ranked - 1.0]))[0])


def reference(record: Record, name: str, metric: str) -> float:
    """The metric of a random order, or of the most popular items for everybody.

    NaN where it is not known: an older run knows chance alone, of HR and nDCG. ``name``
    is one of ``REFERENCES``.
    """
    known = record.get(name, {}).get(metric)
    if known is not None:
        return known
    if name == CHANCE and CHANCE not in record and "num_ranked" in record:
        return chance_level(metric, record["num_ranked"])
    return math.nan


def standard_error_bound(value: float, users: int) -> float:
    """Largest standard error of a mean ``value`` over users whose values lie in [0, 1].

    ``sqrt(p (1 - p) / users)``: exact for a hit ratio p, whose users each are 0 or 1,
    and a bound for nDCG, whose users lie between (a variance is at most p (1 - p)).
    """
    return math.sqrt(max(value * (1 - value), 0.0) / users)


def evaluated_users(record: Record) -> int:
    """Number of users of a run who are evaluated."""
    return sum(record.get(f"users_{group}", 0) for group in GROUP_NAMES)


def is_clean_at_chance(record: Record) -> bool:
    """Whether a run without any attack ends no better than a random order.

    That is with an HR@10 at most two standard errors above chance. Where not even 10
    items are ranked, no HR@10 is better than another.
    """
    value, users = record.get(HIT_RATIO), evaluated_users(record)
    num_ranked = record.get("num_ranked")
    if record.get("attack") != CLEAN or num_ranked is None or num_ranked <= _CUTOFF:
        return False
    if value is None or users == 0:
        return False
    level = chance_level(HIT_RATIO, num_ranked)
    return value <= level + 2 * standard_error_bound(level, users)
