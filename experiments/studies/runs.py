"""Runs what a study needs and lets it say what came out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.studies.base import Material, Section, Study
from jaxfr.data import LoadOptions
from jaxfr.experiment import Experiment
from jaxfr.programs.progress import tell
from jaxfr.programs.running import run_with_progress
from jaxfr.records import Record, caveats
from jaxfr.store import Store
from jaxfr.sweeps import ExecutionOptions, Plan, RunRequest, identify, plan_runs


class Studied(NamedTuple):
    """The records of the runs that a study wanted, in that order, and what it shows."""

    records: tuple[Record, ...]
    section: Section


def run_study(
    study: Study,
    bases: Sequence[RunRequest],
    load_options: LoadOptions | None,
    store: Store,
    options: ExecutionOptions,
) -> Studied:
    """Runs what a study wants and the store lacks, and presents the study."""
    wanted = study.wanted(bases)
    plan = plan_runs(wanted, load_options)
    finish_runs(plan, store, options, study.name)
    return present_study(study, bases, load_options, identify(plan, wanted), store)


def finish_runs(
    plan: Plan, store: Store, options: ExecutionOptions, label: str
) -> None:
    """Runs what a store lacks of a plan; the label is what progress is shown of."""
    found = sum(store.is_finished(run.identity) for run in plan.runs)
    if found:
        tell(f"{label}: {found} of {len(plan.runs)} runs are in the store")
    if found < len(plan.runs):
        for _ in run_with_progress(plan, store, options, label):
            pass


def present_study(
    study: Study,
    bases: Sequence[RunRequest],
    load_options: LoadOptions | None,
    runs: Sequence[str],
    store: Store,
) -> Studied:
    """Lets a study say what came out, and adds what else must be said of its runs."""
    records = tuple(store.records(runs))
    section = study.present(Material(tuple(bases), records, load_options))
    told = caveats(records)
    return Studied(records, section._replace(text=(*section.text, *told)))


# --- How long it takes, roughly and at no cost ---

# What a round costs beside FedMF's under the mean, on ML-100K and ML-1M. What a rule
# costs more than the mean is added to what the model does.
MODEL_COST: Mapping[str, float] = {"fedmf": 1, "fedgnn": 4, "mlp": 12}
RULE_COST: Mapping[str, float] = {
    "mean": 1,
    "norm": 2,
    "median": 10,
    "trimmed_mean": 20,
    "classic_trimmed_mean": 20,
    "krum": 26,
    "multi_krum": 100,
    "shrink": 1,
    "geometric_median": 8,
    "centred_clipping": 3,
}

# On two cores of a CPU: FedMF's round under the mean for each training pair; compiling.
_SECONDS_PER_PAIR = 26e-9
_SECONDS_PER_PROGRAM = 5.0


def seconds_left(plan: Plan, store: Store) -> float:
    """Estimates how long a plan's runs will take, those that are finished left out.

    ``jaxfr/sweeps/forecast.py`` says it precisely, but compiles every program for it.
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
