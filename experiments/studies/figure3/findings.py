"""What the paper says of defenses, held against the simulation."""

import itertools
from collections.abc import Mapping, Sequence

from experiments.studies.averages import (
    Average,
    average,
    chance,
    not_above,
    with_bound,
)
from experiments.studies.figure3.points import (
    FIXED_NUMBER_ONLY,
    Point,
    Runs,
    applies,
    clean_runs,
    is_omniscient,
    ratios,
    spattacks_in,
)
from experiments.studies.names import aggregator_title, attack_title, dataset_title
from experiments.studies.section import Finding

_SMALL = 0.05
# A recommender that keeps less of its clean HR@10 counts as dramatically degraded.
_DRAMATIC = 0.5


def find_all(found: Mapping[str, Runs], defenses: Sequence[str]) -> list[Finding]:
    """All findings: those of each data set, then the one that needs no run."""
    findings = []
    for dataset, runs in found.items():
        findings += [
            _degrades(dataset, runs, defenses),
            _median_is_worse(dataset, runs),
            *_falls_with_ratio(dataset, runs, defenses),
        ]
    return [*findings, _not_applicable()]


def _degrades(dataset: str, runs: Runs, defenses: Sequence[str]) -> Finding:
    told, kept = [], []
    for defense in defenses:
        values = {
            attack: average(runs[Point(defense, attack, _SMALL)])
            for attack in spattacks_in(runs)
            if applies(Point(defense, attack, _SMALL))
        }
        strongest = min(values, key=lambda attack: values[attack].mean)
        clean, lowest = average(clean_runs(runs, defense)).mean, values[strongest].mean
        kept.append(lowest / clean if clean else 1.0)
        told.append(
            f"{aggregator_title(defense)} {clean:.3f} to {lowest:.3f} "
            f"({attack_title(strongest)})"
        )
    level = chance(clean_runs(runs, defenses[0]))
    return Finding(
        f"{dataset_title(dataset)}: with only 5 % malicious clients Spattack "
        "dramatically degrades the recommender under every defense (HR@10 at least "
        "halved)",
        max(kept) <= _DRAMATIC,
        f"clean HR@10 and under the strongest attack: {'; '.join(told)}; chance is "
        f"{level:.3f}",
    )


def _median_is_worse(dataset: str, runs: Runs) -> Finding:
    statement = (
        f"{dataset_title(dataset)}: at 5 % Spattack-O-D breaks the median more than "
        "the mean, and leaves it below chance"
    )
    both = [
        runs.get(Point(defense, "spattack_o_d", _SMALL))
        for defense in ("median", "mean")
    ]
    if both[0] is None or both[1] is None:
        return Finding(statement, None, "needs runs of the mean and the median")
    median, mean = average(both[0]), average(both[1])
    level = chance(both[0])
    return Finding(
        statement,
        median.mean <= mean.mean and median.mean < level,
        f"HR@10 {with_bound(median)} under the median, {with_bound(mean)} under the "
        f"mean; chance is {level:.3f}",
    )


def _falls_with_ratio(
    dataset: str, runs: Runs, defenses: Sequence[str]
) -> list[Finding]:
    """Of each limited attack, under every defense that applies."""
    findings = []
    for attack in spattacks_in(runs):
        applied = [d for d in defenses if applies(Point(d, attack, ratios(attack)[0]))]
        if is_omniscient(attack) or not applied:
            continue
        falls, told = [], []
        for defense in applied:
            values = [average(clean_runs(runs, defense))]
            values += [average(runs[Point(defense, attack, r)]) for r in ratios(attack)]
            falls.append(_falls(values, chance(clean_runs(runs, defense))))
            means = ", ".join(f"{value.mean:.3f}" for value in values)
            told.append(
                f"{aggregator_title(defense)} {means}{'' if falls[-1] else ' (no)'}"
            )
        findings.append(
            Finding(
                f"{dataset_title(dataset)}: under {attack_title(attack)} every defense "
                "does the worse, the more clients are malicious",
                all(falls),
                f"HR@10 at 0, 5, 10 and 15 %: {'; '.join(told)}; a step up within two "
                "standard errors, or below chance, counts as none",
            )
        )
    return findings


def _falls(values: Sequence[Average], level: float) -> bool:
    """Whether no step goes up beyond noise, and the last is below the first.

    Below chance, which is what an untrained model has, there is nothing left to lose,
    and a step up to a value that is below chance too is none.
    """
    steps = itertools.pairwise(values)
    falls = all(not_above(b, a) or b.mean < level for a, b in steps)
    return falls and values[-1].mean < values[0].mean


def _not_applicable() -> Finding:
    names = " and ".join(map(aggregator_title, FIXED_NUMBER_ONLY))
    return Finding(
        f"{names} cannot be applied to Spattack-O-S and -L-S",
        None,
        "follows from their definition, and not from runs: they expect the same number "
        "of malicious rows for every item, which S sends to some items only. The "
        "simulation could run them with the number of malicious clients, but that is "
        "not what the paper compares",
    )
