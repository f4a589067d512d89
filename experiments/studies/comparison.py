"""Studies that compare whole runs: what varies, and averages over seeds."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.studies.base import Material, Section, Study, Table, describe_bases
from jaxfr.attacks import CLEAN
from jaxfr.records import (
    HIT_RATIO,
    Record,
    chance_level,
    dataset_title,
    estimate,
    evaluated_users,
    part_title,
    standard_error_bound,
)
from jaxfr.sweeps import RunRequest


class Point(NamedTuple):
    """What studies vary; as it stands here, the clean run under the mean."""

    attack: str = CLEAN
    malicious_ratio: float = 0.0
    aggregator: str = "mean"
    model: str = "fedmf"
    attack_start: int = 0
    repeated_negatives: str = "merged"
    eval_every: int = 0


# A recommender that keeps less of its clean HR@10 counts as dramatically degraded.
DRAMATIC = 0.5
# Standard errors of a normal distribution within whose reach 95 % lie.
NORMAL = 1.96


class Average(NamedTuple):
    """A metric over the runs of several seeds; as text with half of its interval."""

    mean: float  # their mean; NaN for no run
    half_width: float  # of its 95 % interval, by Student's t; NaN for one run or none
    runs: int  # number of runs that have the metric
    users: int  # users in each evaluation

    @property
    def bound(self) -> float:
        """Largest standard error of the mean, by how many users there are."""
        if self.runs == 0:
            return math.nan
        return standard_error_bound(self.mean, self.users) / math.sqrt(self.runs)

    @property
    def error_bar(self) -> float:
        """Half of the 95 % interval: by the seeds, or for a single one by the bound."""
        known = not math.isnan(self.half_width)
        return self.half_width if known else NORMAL * self.bound

    def not_above(self, other: "Average") -> bool:
        """Whether the mean is at most another one, up to chance.

        Up to two standard errors of the difference, each by ``bound``.
        """
        return self.mean <= other.mean + 2 * math.hypot(self.bound, other.bound)

    def at_most(self, level: float) -> bool:
        """Whether the mean is at most a level, up to two standard errors."""
        return self.mean <= level + 2 * self.bound

    def __str__(self) -> str:
        if self.runs == 0:
            return "-"
        if math.isnan(self.half_width):
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.half_width:.3f}"

    @property
    def with_bound(self) -> str:
        """The mean and the bound of its standard error."""
        return f"{self.mean:.3f} (standard error {self.bound:.3f})"


def average(records: Sequence[Record], metric: str = HIT_RATIO) -> Average:
    """Averages a field over runs in which it is not null, as a mean over nobody."""
    values = [float(r[metric]) for r in records if r[metric] is not None]
    mean, _, half_width = estimate(values)
    users = evaluated_users(records[0]) if records else 0
    return Average(mean, half_width, len(values), users)


class Runs(dict[Point, list[Record]]):
    """The runs of one data set: the records of each point, one for each seed."""

    def __init__(self, dataset: str) -> None:
        self.dataset, self.title = dataset, dataset_title(dataset)

    def varied(self, option: str) -> list[Any]:
        """The values that an option has under attack."""
        attacked = (point for point in self if point.attack != CLEAN)
        return list(dict.fromkeys(getattr(point, option) for point in attacked))

    def average(self, point: Point, metric: str = HIT_RATIO) -> Average:
        """A metric after the last round."""
        return average(self[point], metric)

    def mean(self, point: Point) -> float:
        """HR@10 after the last round."""
        return self.average(point).mean

    def after(self, point: Point, rounds: int) -> Average:
        """HR@10 after so many rounds; of no run where there was no evaluation."""
        return average(
            [
                record | evaluated
                for record in self[point]
                for evaluated in record["curve"]
                if evaluated["round"] == rounds
            ]
        )

    def lowest(self, points: Iterable[Point]) -> tuple[Point, Average]:
        """The point with the lowest HR@10, which is the strongest attack, and that."""
        found = ((point, self.average(point)) for point in points)
        return min(found, key=lambda pair: pair[1].mean)

    def left_of(self, clean: Point, attacked: Iterable[Point]) -> tuple[float, str]:
        """What the strongest attack leaves of HR@10, as a share and in words."""
        strongest, left = self.lowest(attacked)
        before, name = self.mean(clean), part_title(strongest.attack)
        share = left.mean / before if before else 1.0
        return share, f"{before:.3f} to {left.mean:.3f} ({name})"

    def chance(self, point: Point) -> float:
        """HR@10 of a random order: 10 over the items in a ranking."""
        return chance_level(HIT_RATIO, self[point][0]["num_ranked"])


def falls(values: Sequence[Average], floor: float = -math.inf) -> bool:
    """Whether no step goes up beyond noise, and the last is below the first.

    A step up to a value below the floor, such as chance, is none: there nothing is left
    to lose.
    """
    steps = itertools.pairwise(values)
    downwards = all(b.not_above(a) or b.mean < floor for a, b in steps)
    return downwards and values[-1].mean < values[0].mean


def comparison(
    name: str,
    points: Sequence[Point],
    show: Callable[[Sequence[Runs]], Section],
    *further: str,
) -> Study:
    """A study that runs some points on each data set with each seed.

    It decides what all of these do, and further options, of the fields of ``Point``.
    """
    decides = *("model", "aggregator", "attack", "malicious_ratio"), *further
    decides += ("eval_every",)

    def wanted(bases: Sequence[RunRequest]) -> list[RunRequest]:
        return [
            base.replace(**{option: getattr(point, option) for option in decides})
            for base in bases
            for point in points
        ]

    def present(material: Material) -> Section:
        found: dict[str, Runs] = {}
        records = iter(material.records)
        for base in material.bases:
            runs = found.setdefault(base.dataset, Runs(base.dataset))
            for point in points:
                runs.setdefault(point, []).append(next(records))
        section = show(list(found.values()))
        described = describe_bases(material.bases, decides)
        return section._replace(text=(described, *section.text))

    return Study(name, decides, wanted, present)


def beside_earlier(
    caption: str,
    header: tuple[str, ...],
    cells: Callable[[Point, str], tuple[str, ...]],
    found: Sequence[Runs],
    earlier: Mapping[tuple[str, Point, str], float],
    places: int = 2,
) -> list[Table]:
    """Values of an earlier simulation beside this one, where both are there.

    The paper's figures print no numbers. These were simulated before this project
    began, as a check of it. ``header`` names the columns between the data set and the
    numbers, and ``cells`` says what stands in them for a point and a metric.
    """
    rows = []
    for (dataset, point, metric), value in earlier.items():
        for runs in found:
            if runs.dataset == dataset and point in runs:
                mean = runs.average(point, metric)
                numbers = f"{value:.{places}f}", str(mean), f"{mean.mean - value:+.3f}"
                rows.append((runs.title, *cells(point, metric), *numbers))
    header = ("data set", *header, "earlier", "simulation", "difference")
    return [Table(caption, header, tuple(rows))] if rows else []
