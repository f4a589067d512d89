"""How long the studies that are left will take, roughly and at no cost."""

from collections.abc import Mapping

from jaxfr.experiment import Experiment
from jaxfr.store import Store
from jaxfr.sweeps import Plan

# What a round costs beside FedMF's under the mean, on ML-100K; on larger data Krum
# costs more. What a rule costs more than the mean is added to what the model does.
MODEL_COST: Mapping[str, float] = {"fedmf": 1, "fedgnn": 8, "mlp": 16}
RULE_COST: Mapping[str, float] = {
    "mean": 1,
    "norm": 1,
    "median": 12,
    "trimmed_mean": 23,
    "classic_trimmed_mean": 23,
    "krum": 100,
}

# On two cores of a CPU: FedMF's round under the mean for each training pair; compiling.
_SECONDS_PER_PAIR = 45e-9
_SECONDS_PER_PROGRAM = 5.0


def seconds_left(plan: Plan, store: Store) -> float:
    """Estimates how long a plan's runs will take, those that are finished left out.

    ``jaxfr/sweeps/forecast.py`` says it precisely, but compiles every program for it.

    Args:
        plan: the runs.
        store: where finished runs are.
    """
    seconds = 0.0
    for group in plan.groups:
        left = [
            planned.request.rounds
            for planned in group.runs
            if not store.is_finished(planned.identity)
        ]
        if left:
            pairs = plan.sources[group.source].dataset.num_train_pairs
            cost = _round_cost(group.experiment)
            seconds += _SECONDS_PER_PROGRAM + cost * pairs * _SECONDS_PER_PAIR * sum(
                left
            )
    return seconds


def _round_cost(experiment: Experiment) -> float:
    model = MODEL_COST.get(experiment.model.name, 1)
    *_, rule = experiment.aggregator.name.split("+")  # behind its stages
    return model + RULE_COST.get(rule, 1) - 1
