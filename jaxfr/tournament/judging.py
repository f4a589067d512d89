"""What a defense is worth: its worst attack, found for each seed, and what it costs."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxfr.attacks import CLEAN
from jaxfr.evaluation.names import is_higher_better
from jaxfr.records.caveats import has_diverged
from jaxfr.records.chance import CHANCE, reference
from jaxfr.records.record import Record
from jaxfr.tournament.trials import UNDEFENDED, Trial

Records = Mapping[Trial, Record]

# Before that share of its rounds a run is still warming up.
WARM_UP = 0.5
LAST = 10
RESAMPLES = 9999


class Interval(NamedTuple):
    """A mean over seeds, and its 95 % interval by bootstrap; NaN for one seed."""

    mean: float
    low: float
    high: float


class Standing(NamedTuple):
    """A defense at one malicious share, by one metric; NaN is what is not known.

    Attributes:
        seeds: of which all trials are there.
        undefended_clean: the clean run without a defense, mean over seeds.
        clean: the defense's own clean run, mean over seeds.
        worst: mean over seeds of the worst attack of each.
        worst_attack: the attack that is it for most seeds.
        retained: mean over seeds of ``(worst - chance) / (undefended_clean - chance)``.
        worst_of_last: as ``worst``, of the mean of a run's last ten evaluations after
            half of its rounds, or of as many as there are.
        worst_on_the_way: as ``worst``, of a run's worst evaluation after half of its
            rounds.
        slowdown: seconds of training of the clean run, over those of the undefended.
        diverged: how many of the runs.
    """

    dataset: str
    model: str
    aggregator: str
    malicious_ratio: float
    declared: float | None
    metric: str
    seeds: int
    undefended_clean: float
    clean: float
    worst: Interval
    worst_attack: str
    retained: float
    worst_of_last: float
    worst_on_the_way: float
    slowdown: float
    diverged: int

    @property
    def cost(self) -> float:
        """Share of the undefended clean run that the defense costs without attacks."""
        return 1 - _ratio(self.clean, self.undefended_clean)

    @property
    def of_clean(self) -> float:
        """The worst over the undefended clean run."""
        return _ratio(self.worst.mean, self.undefended_clean)

    def row(self) -> dict[str, Any]:
        """As a row of a table, or a table of JSON; what is not known is null."""
        fields = self._asdict() | {
            "worst": self.worst.mean,
            "worst_low": self.worst.low,
            "worst_high": self.worst.high,
        }
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in fields.items()
        }


def judge(records: Records, metric: str) -> list[Standing]:
    """The standing of each defense at each share, in the order of the trials.

    Attacks are compared seed by seed, as all trials of a seed share data, start,
    negatives and candidates. Seeds of which a trial is missing do not count.

    Args:
        records: of each trial that was run.
        metric: a field of the records, such as ``hr@10`` or ``hr@10_tail``.
    """
    groups: dict[Trial, dict[int, dict[str, Record]]] = {}
    for trial, record in records.items():
        if record.get(metric) is not None:
            group = trial._replace(attack="", seed=0)
            of_seed = groups.setdefault(group, {}).setdefault(trial.seed, {})
            of_seed[trial.attack] = record
    found = []
    for group, by_seed in groups.items():
        undefended = groups.get(
            group._replace(aggregator=UNDEFENDED, declared=None), {}
        )
        attacks = {name for attacked in by_seed.values() for name in attacked}
        seeds = [
            seed
            for seed, attacked in by_seed.items()
            if attacked.keys() == attacks and CLEAN in undefended.get(seed, {})
        ]
        if seeds and CLEAN in attacks and len(attacks) > 1:
            own = [by_seed[seed] for seed in seeds]
            clean = [undefended[seed][CLEAN] for seed in seeds]
            found.append(_standing(group, metric, own, clean))
    return found


def _standing(
    group: Trial,
    metric: str,
    own: Sequence[Mapping[str, Record]],
    undefended: Sequence[Record],
) -> Standing:
    def final(record: Record) -> float:
        return float(record[metric])

    def worst_by(value: Callable[[Record], float]) -> list[tuple[float, str]]:
        return [_worst(attacked, metric, value) for attacked in own]

    worst = worst_by(final)
    levels = [reference(record, CHANCE, metric) for record in undefended]
    retained = [
        (value - level) / (final(clean) - level)
        for (value, _), level, clean in zip(worst, levels, undefended, strict=True)
        if final(clean) != level
    ]
    clean = [attacked[CLEAN] for attacked in own]
    return Standing(
        *group[:3],
        group.malicious_ratio,
        group.declared,
        metric,
        seeds=len(own),
        undefended_clean=_mean(map(final, undefended)),
        clean=_mean(map(final, clean)),
        worst=bootstrap([value for value, _ in worst]),
        worst_attack=Counter(name for _, name in worst).most_common(1)[0][0],
        retained=_mean(retained),
        worst_of_last=_mean(v for v, _ in worst_by(lambda r: _of_last(r, metric))),
        worst_on_the_way=_mean(v for v, _ in worst_by(lambda r: _on_way(r, metric))),
        slowdown=_ratio(_mean(map(_seconds, clean)), _mean(map(_seconds, undefended))),
        diverged=sum(has_diverged(r) for attacked in own for r in attacked.values()),
    )


def _worst(
    attacked: Mapping[str, Record], metric: str, value: Callable[[Record], float]
) -> tuple[float, str]:
    """The attack under which one seed's users are served worst; the first of equals."""
    values = {name: value(r) for name, r in attacked.items() if name != CLEAN}
    choose = min if is_higher_better(metric) else max
    name = choose(values, key=lambda name: values[name])
    return values[name], name


def bootstrap(values: Sequence[float]) -> Interval:
    """The mean over seeds and its 95 % percentile interval over resampled seeds.

    The values are the worst cases of the seeds, so each resample has a minimum of its
    own for each of its seeds.
    """
    if len(values) < 2:
        return Interval(_mean(values), math.nan, math.nan)
    from scipy.stats import bootstrap  # loads for a while

    found = bootstrap(
        (np.array(values),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Interval(_mean(values), float(found.low), float(found.high))


def _curve(record: Record, metric: str) -> list[tuple[int, float]]:
    """The evaluations that have the metric; the end of the run where none has."""
    points = [
        (point["round"], point[metric])
        for point in record["curve"]
        if point.get(metric) is not None
    ]
    return points or [(record["rounds"], record[metric])]


def _of_last(record: Record, metric: str) -> float:
    return _mean(_when_warm(record, metric)[-LAST:])


def _on_way(record: Record, metric: str) -> float:
    choose = min if is_higher_better(metric) else max
    return choose(_when_warm(record, metric))


def _when_warm(record: Record, metric: str) -> list[float]:
    """The evaluations after half of the rounds, the last of which is of the end."""
    warm = WARM_UP * record["rounds"]
    return [value for number, value in _curve(record, metric) if number >= warm]


def _seconds(record: Record) -> float:
    return record["seconds"]["train"]


def _mean(values: Iterable[float]) -> float:
    several = list(values)
    return statistics.fmean(several) if several else math.nan


def _ratio(value: float, base: float) -> float:
    return value / base if base else math.nan
