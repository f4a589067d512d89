"""What follows from the paper's account of Spattack, held against the simulation."""

import itertools
from collections.abc import Mapping, Sequence

from experiments.studies.averages import Average, average, chance, not_above
from experiments.studies.hyperparameters.sweeps import (
    EMBEDDING_DIM,
    NOISE_SCALE,
    POISONED_ITEMS,
    Point,
    Runs,
    Sweep,
    place_of,
)
from experiments.studies.names import attack_title, dataset_title
from experiments.studies.section import Finding
from jaxfr.attacks import CLEAN

_HALF = 0.5


def find_all(found: Mapping[str, Runs], sweeps: Sequence[Sweep]) -> list[Finding]:
    """All findings, data set by data set, of the sweeps that were run."""
    findings = []
    for dataset, runs in found.items():
        for sweep in sweeps:
            if sweep.option == EMBEDDING_DIM.option:
                findings.append(_breaks_every_size(dataset, runs, sweep))
            elif sweep.option == POISONED_ITEMS.option:
                findings += _falls_along(
                    dataset, runs, sweep, "the more items a client poisons"
                )
            elif sweep.option == NOISE_SCALE.option:
                findings += _falls_along(
                    dataset, runs, sweep, "the larger the noise is"
                )
    return findings


def _falls_along(dataset: str, runs: Runs, sweep: Sweep, when: str) -> list[Finding]:
    findings = []
    for attack in sweep.attacks:
        by_place = sorted(
            (place_of(records, sweep.option), average(records))
            for records in (
                runs[Point(sweep.option, value, attack)] for value in sweep.values
            )
        )
        values = [value for _, value in by_place]
        told = ", ".join(f"{place:g}: {value.mean:.3f}" for place, value in by_place)
        findings.append(
            Finding(
                f"{dataset_title(dataset)}: {attack_title(attack)} is the stronger, "
                f"{when}",
                _falls(values),
                f"HR@10 by {sweep.label}: {told}; a step up within two standard errors "
                "counts as none",
            )
        )
    return findings


def _falls(values: Sequence[Average]) -> bool:
    """Whether no step goes up beyond chance, and the last is below the first."""
    steps = itertools.pairwise(values)
    return all(not_above(b, a) for a, b in steps) and values[-1].mean < values[0].mean


def _breaks_every_size(dataset: str, runs: Runs, sweep: Sweep) -> Finding:
    kept, told = [], []
    attacks = [attack for attack in sweep.attacks if attack != CLEAN]
    for value in sweep.values:
        clean = runs[Point(sweep.option, value, CLEAN)]
        attacked = [
            average(runs[Point(sweep.option, value, attack)]).mean for attack in attacks
        ]
        before = average(clean).mean
        kept.append(max(attacked) / before if before else 1.0)
        means = " and ".join(f"{mean:.3f}" for mean in attacked)
        told.append(f"{value:g}: {before:.3f} to {means}")
    level = chance(runs[Point(sweep.option, sweep.values[0], CLEAN)])
    return Finding(
        f"{dataset_title(dataset)}: {' and '.join(map(attack_title, attacks))} each at "
        "least halve HR@10, whatever the embedding size",
        max(kept) <= _HALF,
        f"clean HR@10 and under attack, by size: {'; '.join(told)}; chance is "
        f"{level:.3f}",
    )
