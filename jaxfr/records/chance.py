"""What random and most popular items would score, and whether a run does better."""

import math

import numpy as np

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import find_metric, is_higher_better, overall_fields
from jaxfr.store import Record

CHANCE = "chance"
MOST_POPULAR = "most_popular"
# What a run stands beside, as records name it.
REFERENCES = (CHANCE, MOST_POPULAR)

HIT_RATIO = "hr@10"


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
    num_ranked = record.get("num_ranked")
    if name == CHANCE and CHANCE not in record and num_ranked is not None:
        return chance_level(metric, num_ranked)
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


def main_metric(record: Record) -> str:
    """The metric that stands for a run: HR@10, else its first of test items, or any."""
    names = overall_fields(record)
    of_test_items = (name for name in names if _is_of_test_items(name))
    return HIT_RATIO if HIT_RATIO in names else next(of_test_items, names[0])


def is_no_better(record: Record, name: str) -> bool:
    """Whether a run ends no better than a random order, or than most popular items.

    That is at most two standard errors better, by its :func:`main_metric`. Where every
    list holds all that is ranked, no run is better than another; nor is any by the
    exposure of targets, or by a metric of one's own.

    Args:
        record: a run.
        name: one of ``REFERENCES``.
    """
    metric, users = main_metric(record), evaluated_users(record)
    value = record.get(metric)
    if value is None or users == 0 or not _is_of_test_items(metric):
        return False
    level = reference(record, name, metric)
    if math.isnan(level) or reference(record, CHANCE, metric) >= 1:
        return False
    better = value - level if is_higher_better(metric) else level - value
    return better <= 2 * standard_error_bound(level, users)


def _is_of_test_items(metric: str) -> bool:
    found = find_metric(metric)
    return found is not None and found.has_groups
