"""Means over seeds, how sure they are, and how they are written."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from jaxfr.evaluation.degree_groups import GROUP_NAMES
from jaxfr.records.plots import chance_level
from jaxfr.records.results import Record

HIT_RATIO = "hr@10"


class Average(NamedTuple):
    """A metric over the runs of several seeds.

    Attributes:
        mean: their mean.
        deviation: sample standard deviation; NaN for one run.
        runs: number of runs.
        users: users in each evaluation.
    """

    mean: float
    deviation: float
    runs: int
    users: int

    @property
    def standard_error(self) -> float:
        """Of the mean, by the deviation between seeds; NaN for one run."""
        return self.deviation / math.sqrt(self.runs)

    @property
    def bound(self) -> float:
        """Of the mean, by ``standard_error_bound``; a single run has it too."""
        return standard_error_bound(self.mean, self.users) / math.sqrt(self.runs)


def average(records: Sequence[Record], metric: str = HIT_RATIO) -> Average:
    """Averages a metric over runs that differ in their seed.

    Args:
        records: at least one.
        metric: a column of numbers.
    """
    values = [float(record[metric]) for record in records]
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    users = sum(records[0][f"users_{group}"] for group in GROUP_NAMES)
    return Average(statistics.fmean(values), deviation, len(values), users)


def standard_error_bound(value: float, users: int) -> float:
    """Largest standard error of a mean over users whose values lie in [0, 1].

    ``sqrt(p (1 - p) / users)``: exact for a hit ratio p, whose users each are 0 or 1,
    and a bound for nDCG, whose users lie between (a variance is at most p (1 - p)).

    Args:
        value: the mean p.
        users: number of users.
    """
    return math.sqrt(max(value * (1 - value), 0.0) / users)


def not_above(lower: Average, upper: Average) -> bool:
    """Whether one mean is at most another one, up to chance.

    Up to two standard errors of the difference, each by ``Average.bound``.
    """
    return lower.mean <= upper.mean + 2 * math.hypot(lower.bound, upper.bound)


def chance(records: Sequence[Record]) -> float:
    """HR@10 of a random order: 10 over the items in a ranking."""
    return chance_level(HIT_RATIO, records[0]["num_ranked"])


def with_deviation(value: Average) -> str:
    """Writes a mean, and the deviation between seeds where there are several."""
    if math.isnan(value.deviation):
        return f"{value.mean:.3f}"
    return f"{value.mean:.3f} ± {value.deviation:.3f}"


def with_error(mean: float, error: float) -> str:
    """Writes a mean with four places, and its standard error where it is known."""
    return f"{mean:.4f}" if math.isnan(error) else f"{mean:.4f} ± {error:.4f}"


def error_bar(value: Average) -> float:
    """Two standard errors: by the seeds, or for a single one by the bound."""
    known = not math.isnan(value.standard_error)
    return 2 * (value.standard_error if known else value.bound)


def with_bound(value: Average) -> str:
    """Writes a mean and the bound of its standard error."""
    return f"{value.mean:.3f} (standard error {value.bound:.3f})"
