"""Means over seeds, how sure they are, and how they are written."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from jaxfr.records.chance import (
    HIT_RATIO,
    chance_level,
    evaluated_users,
    standard_error_bound,
)
from jaxfr.records.record import Record


class Average(NamedTuple):
    """A metric over the runs of several seeds.

    Attributes:
        mean: their mean; NaN for no run.
        deviation: sample standard deviation; NaN for one run or none.
        runs: number of runs that have the metric.
        users: users in each evaluation.
    """

    mean: float
    deviation: float
    runs: int
    users: int

    @property
    def standard_error(self) -> float:
        """Of the mean, by the deviation between seeds; NaN for one run or none."""
        return self.deviation / math.sqrt(max(self.runs, 1))

    @property
    def bound(self) -> float:
        """Of the mean, by ``standard_error_bound``; a single run has it too."""
        if self.runs == 0:
            return math.nan
        return standard_error_bound(self.mean, self.users) / math.sqrt(self.runs)


def average(records: Sequence[Record], metric: str = HIT_RATIO) -> Average:
    """Averages a metric over runs that differ in their seed.

    Args:
        records: at least one.
        metric: a column of numbers; runs in which it is null, as a mean over nobody,
            do not count.
    """
    values = [float(r[metric]) for r in records if r[metric] is not None]
    mean = statistics.fmean(values) if values else math.nan
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    return Average(mean, deviation, len(values), evaluated_users(records[0]))


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
    if value.runs == 0:
        return "-"
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
