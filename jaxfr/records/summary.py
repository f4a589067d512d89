"""Many runs in few numbers: grouped, averaged with an interval, and judged."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.names import find_metric, is_higher_better
from jaxfr.records.caveats import has_diverged
from jaxfr.records.chance import REFERENCES, reference
from jaxfr.records.record import Record
from jaxfr.records.selection import (
    Scalar,
    as_text,
    check_columns,
    grouped,
    in_order,
    without,
)

CONFIDENCE = 0.95


class Cell(NamedTuple):
    """The mean of a metric over the runs of one group.

    Runs count that have the metric, which is null where it would be a mean over nobody.
    Those of one seed are averaged first: they share its draws, and repeat each other
    where they differ in a setting that does nothing. Of n seeds the half width is
    t_{0.975, n-1} s / sqrt(n), so that mean ± half_width is the 95 % interval of the
    mean by Student's t distribution; NaN for one seed or none, as the deviation s.
    """

    group: tuple[Scalar, ...]  # its value of each grouping
    runs: int  # how many
    mean: float  # over seeds; NaN for no run
    deviation: float  # of the sample of seeds, with n - 1
    half_width: float
    diverged: int = 0  # how many of these runs, see has_diverged
    higher_is_better: bool = True
    chance: float = math.nan  # mean of what a random order scores; NaN if not known
    most_popular: float = math.nan  # likewise of the most popular items

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width

    def change_percent(self, clean: "Cell | None") -> float:
        """Change of the mean against clean in percent; NaN where there is none."""
        if clean is None or clean.runs == 0 or clean.mean == 0:
            return math.nan
        return 100 * (self.mean / clean.mean - 1)


class WorstCase(NamedTuple):
    """The attack under which users are served worst: what a defense is judged by.

    ``group`` has the values of all groupings but the attack, and ``clean`` is None
    where no such run is there. The worst of few attacks is better than of these and
    others, so that worst cases compare where ``attacks`` are as many.
    """

    group: tuple[Scalar, ...]
    attack: Scalar
    cell: Cell
    clean: Cell | None
    attacks: int  # of how many it is the worst

    @property
    def change_percent(self) -> float:
        """Change of the mean against clean in percent; NaN where there is none."""
        return self.cell.change_percent(self.clean)


def summarize(
    records: Sequence[Record], group_by: Sequence[str], metric: str
) -> list[Cell]:
    """Averages a metric over the runs that agree in all groupings, a cell for each.

    Groups are sorted by the first grouping, then by the second, ...; the values of each
    as in :func:`in_order`. A metric of an evaluation may be null in some runs, which
    then do not count. What is no column, or a metric that is no number, is refused.
    """
    check_columns([*group_by, metric], records)
    for record in records:
        value = record.get(metric)
        if value is None and find_metric(metric) is not None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInputError(
                f"metric {metric}: must be a number in every run, but is "
                f"{as_text(value)} in {record.get('run')}"
            )
    places = [
        {value: place for place, value in enumerate(in_order(values))}
        for values in ([record.get(name) for record in records] for name in group_by)
    ]
    cells = [
        _cell(group, [r for r in members if r.get(metric) is not None], metric)
        for group, members in grouped(records, group_by).items()
    ]
    return sorted(
        cells,
        key=lambda cell: [
            order[value] for order, value in zip(places, cell.group, strict=True)
        ],
    )


def worst_case(cells: Sequence[Cell], group_by: Sequence[str]) -> list[WorstCase]:
    """Finds the attack with the worst mean for each group of the other groupings.

    That is the lowest, or of a metric of which less is better the highest; of equal
    ones the first. A group that was not attacked, by runs that have the metric, has
    none, and so has any where the attack is no grouping.
    """
    if "attack" not in group_by:
        return []
    attack_place = list(group_by).index("attack")
    groups: dict[tuple[Scalar, ...], dict[Scalar, Cell]] = {}
    for cell in (cell for cell in cells if cell.runs):
        others = without(cell.group, attack_place)
        groups.setdefault(others, {})[cell.group[attack_place]] = cell
    found, cleans = [], {}
    for group, by_attack in groups.items():
        if CLEAN in by_attack:
            cleans[group] = by_attack.pop(CLEAN)
    for group, by_attack in groups.items():
        clean = cleans.get(group) or _clean_beside(group, cleans)
        if by_attack:
            attack = min(by_attack, key=lambda name: goodness(by_attack[name]))
            worst = group, attack, by_attack[attack], clean
            found.append(WorstCase(*worst, len(by_attack)))
    return found


def estimate(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, deviation of the sample, and half the 95 % interval of the mean.

    By Student's t distribution; NaN where they are not known.
    """
    count = len(values)
    # Exactly rounded sums, so that the order of the runs changes nothing.
    mean = math.fsum(values) / count if count else math.nan
    if count < 2:
        return mean, math.nan, math.nan
    squares = math.fsum((value - mean) ** 2 for value in values)
    deviation = math.sqrt(squares / (count - 1))
    # Only here, as it loads for a while. JAX itself requires SciPy.
    from scipy.special import stdtrit

    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    return mean, deviation, quantile * deviation / math.sqrt(count)


def by_seed(records: Sequence[Record], metric: str) -> dict[Scalar, float]:
    """The mean of each seed's runs, of those that have the metric."""
    known = [record for record in records if record.get(metric) is not None]
    return {
        seed: math.fsum(record[metric] for record in runs) / len(runs)
        for (seed,), runs in grouped(known, ["seed"]).items()
    }


def _clean_beside(
    group: tuple[Scalar, ...], cleans: Mapping[tuple[Scalar, ...], Cell]
) -> Cell | None:
    """The clean runs of the same groupings, but for options that the attack has."""
    for others, cell in cleans.items():
        pairs = zip(others, group, strict=True)
        if all(own is None or own == value for own, value in pairs):
            return cell
    return None


def _references(records: Sequence[Record], metric: str) -> list[float]:
    """The mean of each reference over runs of which all know it, else NaN."""
    return [
        math.fsum(reference(record, name, metric) for record in records) / len(records)
        if records
        else math.nan
        for name in REFERENCES
    ]


def goodness(cell: Cell) -> float:
    """The mean, or its opposite where less is better."""
    return cell.mean if cell.higher_is_better else -cell.mean


def _cell(group: tuple[Scalar, ...], records: list[Record], metric: str) -> Cell:
    values = list(by_seed(records, metric).values())
    runs, diverged = len(records), sum(map(has_diverged, records))
    beside = (is_higher_better(metric), *_references(records, metric))
    return Cell(group, runs, *estimate(values), diverged, *beside)
