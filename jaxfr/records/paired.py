"""What two defenses, or two attacks, differ by over the same seeds."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.names import is_higher_better
from jaxfr.records.grid import WORST_CASE
from jaxfr.records.record import Record
from jaxfr.records.selection import Scalar, grouped, shown, without
from jaxfr.records.summary import by_seed, estimate, summarize
from jaxfr.terminal import fit

# What equal differences of metrics, of float32, may differ by.
_ROUNDING = 1e-6
FEWEST = 2
"""Pairs that an interval needs."""


class Difference(NamedTuple):
    """The mean of first - second over seeds, which both values of an option have."""

    group: tuple[Scalar, ...]  # the values of the other groupings
    first: Scalar
    second: Scalar
    pairs: int  # how many seeds
    mean: float
    # Of the 95 % interval by Student's t; NaN for one pair, and for equal differences,
    # which say nothing of how they vary.
    low: float
    high: float
    p_value: float  # of the paired t test, two-sided: how often chance does as much
    holm: float  # that, with what all differences of the metric add to it


def paired_differences(
    records: Sequence[Record], group_by: Sequence[str], compare: str, metric: str
) -> list[Difference]:
    """Compares every two values of a grouping, in each group of the others.

    A seed draws the same start and the same data in both runs, so that what is chance
    in both cancels: the interval of a difference is narrower than those of the means.
    Runs of a group with the same seed count as their mean, and a seed that only one of
    the two has does not count. P values are of Student's t test, ``holm`` by Holm's
    method, which keeps the chance that any of them is wrongly small.

    Raises:
        InvalidInputError: as :func:`summarize`.
    """
    # In this order, and checked.
    groups = [cell.group for cell in summarize(records, group_by, metric)]
    seeds = {
        group: by_seed(members, metric)
        for group, members in grouped(records, group_by).items()
    }
    place = list(group_by).index(compare)
    by_others: dict[tuple[Scalar, ...], list[tuple[Scalar, ...]]] = {}
    for group in groups:
        by_others.setdefault(without(group, place), []).append(group)
    found = [
        _difference(others, (one[place], other[place]), values)
        for others, alike in by_others.items()
        for one, other in itertools.combinations(alike, 2)
        if (values := _paired(seeds[one], seeds[other]))
    ]
    holm = _holm([difference.p_value for difference in found])
    return [one._replace(holm=p) for one, p in zip(found, holm, strict=True)]


def worst_of_seeds(
    records: Sequence[Record], group_by: Sequence[str], metric: str
) -> list[Record]:
    """Of each group and seed the attacked run that serves users worst.

    Its attack is called ``worst case``, so that :func:`paired_differences` of these
    compares defenses each under its own worst attack, found for each seed.
    """
    others = [name for name in group_by if name != "attack"]
    attacked = [
        record
        for record in records
        if record["attack"] != CLEAN and record.get(metric) is not None
    ]
    choose = min if is_higher_better(metric) else max
    return [
        {**choose(runs, key=lambda run: run[metric]), "attack": WORST_CASE}
        for runs in grouped(attacked, [*others, "seed"]).values()
    ]


def difference_rows(
    differences: Sequence[Difference], others: Sequence[str], metric: str
) -> list[dict[str, Scalar]]:
    """A row for each: the other groupings, the metric, and the fields; NaN as null."""
    return [
        dict(zip(others, one.group, strict=True))
        | {"metric": metric}
        | {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in one._asdict().items()
            if name != "group"
        }
        for one in differences
    ]


def format_differences(
    differences: Sequence[Difference], others: Sequence[str], compare: str, metric: str
) -> str:
    """Writes a line for each difference, no wider than the screen."""
    titles = ["pairs", f"difference in {metric}", "95 % interval", "p", "p (Holm)"]
    rows = [[*others, compare, *titles]]
    for one in differences:
        known = not math.isnan(one.low)
        interval = f"[{one.low:+.4f}, {one.high:+.4f}]" if known else "-"
        rows.append(
            [
                *map(shown, others, one.group),
                f"{shown(compare, one.first)} - {shown(compare, one.second)}",
                *(str(one.pairs), f"{one.mean:+.4f}", interval),
                *(f"{p:.2g}" if known else "-" for p in (one.p_value, one.holm)),
            ]
        )
    return fit(rows, repeated=len(others) + 1)


def _paired(
    first: Mapping[Scalar, float], second: Mapping[Scalar, float]
) -> list[float]:
    return [value - second[seed] for seed, value in first.items() if seed in second]


def _difference(
    group: tuple[Scalar, ...], values: tuple[Scalar, Scalar], found: Sequence[float]
) -> Difference:
    mean, deviation, half_width = estimate(found)
    p_value = math.nan
    if len(found) >= FEWEST and deviation <= _ROUNDING:
        half_width = math.nan
    elif len(found) >= FEWEST:
        from scipy.special import stdtr

        size = abs(mean) / (deviation / math.sqrt(len(found)))
        p_value = 2 * float(stdtr(len(found) - 1, -size))
    interval = mean - half_width, mean + half_width
    return Difference(group, *values, len(found), mean, *interval, p_value, math.nan)


def _holm(p_values: Sequence[float]) -> list[float]:
    """The k-th smallest of n times n - k + 1, at most 1, and never less than before."""
    adjusted, least = [math.nan] * len(p_values), 0.0
    known = [place for place, p in enumerate(p_values) if not math.isnan(p)]
    for before, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        least = max(least, min((len(known) - before) * p_values[place], 1.0))
        adjusted[place] = least
    return adjusted
