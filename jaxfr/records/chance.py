"""What a random order of the items would score, and whether a run does better."""

import math

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.store import Record

HIT_RATIO = "hr@10"
_CUTOFF = 10


def chance_level(metric: str, num_ranked: float) -> float:
    """The metric of a random order.

    Args:
        metric: ``hr@10`` or ``ndcg@10``.
        num_ranked: items in each user's ranking, the test item among them.
    """
    place = np.arange(min(_CUTOFF, int(num_ranked)))
    gains = np.ones(len(place)) if metric == HIT_RATIO else 1 / np.log2(place + 2)
    return float(np.sum(gains) / num_ranked)


def standard_error_bound(value: float, users: int) -> float:
    """Largest standard error of a mean over users whose values lie in [0, 1].

    ``sqrt(p (1 - p) / users)``: exact for a hit ratio p, whose users each are 0 or 1,
    and a bound for nDCG, whose users lie between (a variance is at most p (1 - p)).

    Args:
        value: the mean p.
        users: number of users.
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
