"""How long the studies that are left will take, roughly and at no cost."""

from collections.abc import Collection, Mapping

from jaxfr.store import Store
from jaxfr.sweeps.plan import Plan

# What a round costs beside the mean's, on ML-100K; on larger data Krum costs more.
ROUND_COST: Mapping[str, float] = {
    "mean": 1,
    "norm": 1,
    "median": 12,
    "trimmed_mean": 23,
    "krum": 100,
}

# On two cores of a CPU: a round of the mean for each training pair, and compiling.
_SECONDS_PER_PAIR = 45e-9
_SECONDS_PER_PROGRAM = 5.0


def seconds_left(plan: Plan, runs: Collection[str], store: Store) -> float:
    """Estimates how long some runs will take, those that are finished left out.

    ``jaxfr/sweeps/forecast.py`` says it precisely, but compiles every program for it.

    Args:
        plan: the runs of all studies.
        runs: the identities of those that are wanted.
        store: where finished runs are.
    """
    seconds = 0.0
    for group in plan.groups:
        left = [
            planned.settings.rounds
            for planned in group.runs
            if planned.run in runs and not store.is_finished(planned.run)
        ]
        if left:
            pairs = plan.sources[group.source].dataset.num_train_pairs
            cost = ROUND_COST.get(group.configuration.aggregator, 1)
            seconds += _SECONDS_PER_PROGRAM + cost * pairs * _SECONDS_PER_PAIR * sum(
                left
            )
    return seconds
