"""From a suite and defenses to the runs of all trials."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jaxfr.attacks import CLEAN, malicious_client_count
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.grid import parse_seeds
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import split_chain
from jaxfr.tournament.suite import Suite

UNDEFENDED = "mean"
"""The defense that is none: what an attack does to it is the attack's effect."""


class Trial(NamedTuple):
    """One attack against one defense: texts of parts, and the numbers of the suite."""

    dataset: str
    model: str
    aggregator: str
    attack: str
    malicious_ratio: float
    declared: float | None  # None for a defense that asks for no number
    seed: int


def defense_title(aggregator: str, declared: float | None) -> str:
    """How a defense is called, with what it was told where that is not the truth."""
    told = "" if declared in (None, 1) else f" (told {declared:g} times as many)"
    return f"{aggregator}{told}"


def wanted_trials(
    suite: Suite,
    aggregators: Sequence[str],
    num_clients: Mapping[str, int],
    say: Callable[[str], None] = lambda line: None,
) -> dict[Trial, RunRequest]:
    """The run of each trial; trials that come to the same share a run.

    The undefended server is always among the defenses, and the clean run among the
    attacks. Only a defense that expects a number is tried with all of ``declared``.
    What a model cannot have, such as a defense that needs pairs, is left out with it.

    Args:
        aggregators: defenses, as ``--aggregator`` takes them.
        num_clients: benign clients of each data set.
        say: is told in a line, once, what is left out and why.

    Raises:
        InvalidInputError: if no model can have a part.
    """
    left_out: set[str] = set()

    def possible(request: RunRequest, **changes: Any) -> RunRequest | None:
        try:
            return request.replace(**changes)
        except InvalidInputError as error:
            request.replace(aggregator=UNDEFENDED, attack=CLEAN).replace(
                model=RunRequest().experiment.model
            ).replace(**changes)
            if str(error) not in left_out:
                say(f"left out: {error}")
            left_out.add(str(error))
            return None

    defenses = list(dict.fromkeys((UNDEFENDED, *aggregators)))
    seeds = parse_seeds(suite.seeds)
    found: dict[Trial, RunRequest] = {}
    for dataset in suite.dataset:
        for model in suite.model:
            base = RunRequest(
                dataset=dataset, rounds=suite.rounds, eval_every=suite.eval_every
            ).replace(
                learning_rate=suite.learning_rate,
                model=model,
                ranking=suite.ranking,
                metrics=suite.metrics,
                targets=suite.targets,
            )
            for aggregator in defenses:
                defended = possible(base, aggregator=aggregator)
                if defended is None:
                    continue
                for trial in _of_defense(suite, dataset, model, aggregator, defended):
                    changes = _changes(trial, num_clients[dataset], suite)
                    request = possible(defended, **changes)
                    if request is None:
                        continue
                    for seed in seeds:
                        found[trial._replace(seed=seed)] = request.replace(seed=seed)
    return found


def _of_defense(
    suite: Suite, dataset: str, model: str, aggregator: str, defended: RunRequest
) -> list[Trial]:
    """All trials of a defense, with no seed of their own yet."""
    expects = defended.experiment.rule().expects_byzantine
    return [
        Trial(dataset, model, aggregator, attack, ratio, declared, seed=0)
        for ratio in suite.malicious_ratio
        for declared in (suite.declared if expects else (None,))
        for attack in (CLEAN, *suite.attack)
    ]


def _changes(trial: Trial, clients: int, suite: Suite) -> dict[str, Any]:
    """What a trial's run has that its defense alone does not say."""
    ratio = trial.malicious_ratio
    if trial.attack == CLEAN and trial.declared is None:
        ratio = suite.malicious_ratio[0]  # one clean run for all shares
    changes = {"attack": trial.attack, "malicious_ratio": ratio}
    if trial.declared in (None, 1):
        return changes
    real = malicious_client_count(clients, trial.malicious_ratio)
    return changes | {"expected_byzantine": round(trial.declared * real)}


def with_ablations(aggregator: str) -> list[str]:
    """A defense, each of its stages alone, and each left out, before its rule.

    >>> with_ablations("clip_adaptive+budget+mean")
    ['clip_adaptive+budget+mean', 'clip_adaptive+mean', 'budget+mean', 'mean']
    """
    *stages, rule = split_chain(aggregator)
    alone = [f"{stage}+{rule}" for stage in stages]
    without = [
        "+".join([*stages[:place], *stages[place + 1 :], rule])
        for place in range(len(stages))
    ]
    return list(dict.fromkeys([aggregator, *alone, *without, rule]))
