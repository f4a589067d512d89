"""What the paper says of FedGNN, held against the simulation, data set by data set."""

from collections.abc import Mapping, Sequence

from experiments.studies.averages import average, chance, not_above
from experiments.studies.figure4.bars import (
    AGGREGATORS,
    Bar,
    Runs,
    defense_title,
    spattacks_in,
)
from experiments.studies.names import attack_title, dataset_title, model_title
from experiments.studies.section import Finding
from jaxfr.attacks import CLEAN

# A recommender that keeps less of its clean HR@10 counts as dramatically dropped.
_DRAMATIC = 0.5


def find_all(found: Mapping[str, Runs], models: Sequence[str]) -> list[Finding]:
    """All findings, data set by data set.

    Args:
        found: the runs of each data set.
        models: the figure's recommender, then the one beside it.
    """
    findings = []
    for dataset, runs in found.items():
        findings += [
            _falls_like_the_other(dataset, runs, models),
            _prevented(dataset, runs, models[0]),
            _stronger_under_defense(dataset, runs, models[0]),
        ]
    return findings


def _falls_like_the_other(dataset: str, runs: Runs, models: Sequence[str]) -> Finding:
    title = model_title(models[0])
    statement = (
        f"{dataset_title(dataset)}: {title} drops dramatically under Spattack (HR@10 "
        "at least halved by the strongest, whatever the aggregator)"
    )
    if len(models) > 1:
        statement += f", as {model_title(models[1])} does"
    kept, told = [], []
    for model in models:
        for aggregator in AGGREGATORS:
            clean = average(runs[Bar(model, aggregator, CLEAN)]).mean
            left = {
                attack: average(runs[Bar(model, aggregator, attack)]).mean
                for attack in spattacks_in(runs)
            }
            strongest = min(left, key=left.__getitem__)
            kept.append(left[strongest] / clean if clean else 1.0)
            told.append(
                f"{model_title(model)}, {defense_title(aggregator)}: {clean:.3f} to "
                f"{left[strongest]:.3f} ({attack_title(strongest)})"
            )
    return Finding(statement, max(kept) <= _DRAMATIC, "; ".join(told))


def _prevented(dataset: str, runs: Runs, model: str) -> Finding:
    bars = {attack: runs[Bar(model, "mean", attack)] for attack in spattacks_in(runs)}
    values = {attack: average(records) for attack, records in bars.items()}
    strongest = min(values, key=lambda attack: values[attack].mean)
    level, value = chance(bars[strongest]), values[strongest]
    return Finding(
        f"{dataset_title(dataset)}: poisoned items can prevent {model_title(model)} "
        "from converging, though its weights are densely aggregated",
        value.mean <= level + 2 * value.bound,
        f"HR@10 of {value.mean:.3f} under {attack_title(strongest)} with the mean; "
        f"chance is {level:.3f}",
    )


def _stronger_under_defense(dataset: str, runs: Runs, model: str) -> Finding:
    stronger, told = [], []
    for attack in spattacks_in(runs):
        mean, median = (
            average(runs[Bar(model, aggregator, attack)]) for aggregator in AGGREGATORS
        )
        stronger.append(not_above(median, mean))
        told.append(
            f"{attack_title(attack)} {mean.mean:.3f} and {median.mean:.3f}"
            f"{'' if stronger[-1] else ' (no)'}"
        )
    return Finding(
        f"{dataset_title(dataset)}: on {model_title(model)} Spattack is at least as "
        "strong under the median as without a defense",
        all(stronger),
        f"HR@10 with the mean and with the median: {'; '.join(told)}; within two "
        "standard errors counts as equal",
    )
