"""Means over seeds: how sure they are, how they compare, and how they are written."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.studies.names import dataset_title
from experiments.studies.study import Point, Runs, Table
from jaxfr.records import (
    HIT_RATIO,
    Record,
    chance_level,
    evaluated_users,
    standard_error_bound,
)


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
    """Averages a field over runs that differ in their seed.

    Args:
        records: the runs; none have no mean.
        metric: a field of numbers; runs in which it is null, as a mean over nobody,
            do not count.
    """
    values = [float(r[metric]) for r in records if r[metric] is not None]
    mean = statistics.fmean(values) if values else math.nan
    deviation = statistics.stdev(values) if len(values) > 1 else math.nan
    users = evaluated_users(records[0]) if records else 0
    return Average(mean, deviation, len(values), users)


def after_rounds(records: Sequence[Record], rounds: int) -> list[Record]:
    """The runs as they were evaluated after so many rounds; none where they were not.

    Only the metrics of the curve are those of that moment.
    """
    return [
        record | point
        for record in records
        for point in record["curve"]
        if point["round"] == rounds
    ]


# --- Comparing ---


def not_above(lower: Average, upper: Average) -> bool:
    """Whether one mean is at most another one, up to chance.

    Up to two standard errors of the difference, each by ``Average.bound``.
    """
    return lower.mean <= upper.mean + 2 * math.hypot(lower.bound, upper.bound)


def falls(values: Sequence[Average], floor: float = -math.inf) -> bool:
    """Whether no step goes up beyond noise, and the last is below the first.

    A step up to a value below the floor, such as chance, is none: there nothing is left
    to lose.
    """
    steps = itertools.pairwise(values)
    downwards = all(not_above(b, a) or b.mean < floor for a, b in steps)
    return downwards and values[-1].mean < values[0].mean


def chance(records: Sequence[Record]) -> float:
    """HR@10 of a random order: 10 over the items in a ranking."""
    return chance_level(HIT_RATIO, records[0]["num_ranked"])


def at_chance(value: Average, level: float) -> bool:
    """Whether a mean is at most chance, up to two standard errors."""
    return value.mean <= level + 2 * value.bound


def lowest(runs: Runs, points: Iterable[Point]) -> tuple[Point, Average]:
    """The point with the lowest HR@10, which is the strongest attack, and that."""
    found = ((point, average(runs[point])) for point in points)
    return min(found, key=lambda pair: pair[1].mean)


# --- Writing ---


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


# By data set, point and metric.
Earlier = Mapping[tuple[str, Point, str], float]


def beside_earlier(
    caption: str,
    header: tuple[str, ...],
    cells: Callable[[Point, str], tuple[str, ...]],
    found: Mapping[str, Runs],
    earlier: Earlier,
    places: int = 2,
) -> list[Table]:
    """Values of an earlier simulation beside this one, where both are there.

    The paper's figures print no numbers. These were simulated before this project
    began, as a check of it.

    Args:
        caption: of the table.
        header: the columns between the data set and the numbers.
        cells: what stands in these for a point and a metric.
        found: the runs of each data set.
        earlier: the values.
        places: decimal places of the values.
    """
    rows = []
    for (dataset, point, metric), value in earlier.items():
        if records := found.get(dataset, {}).get(point):
            mean = average(records, metric)
            numbers = f"{value:.{places}f}", with_deviation(mean)
            rows.append(
                (
                    *(dataset_title(dataset), *cells(point, metric), *numbers),
                    f"{mean.mean - value:+.3f}",
                )
            )
    header = ("data set", *header, "earlier", "simulation", "difference")
    return [Table(caption, header, tuple(rows))] if rows else []
