"""Refuses settings that have no meaning, before anything is traced."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.core import Tracer

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS, CLEAN
from jaxfr.errors import InvalidInputError
from jaxfr.jax_settings import check_jax_settings, find_devices
from jaxfr.models import MODELS
from jaxfr.ranges import RANGES, check_number
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    expects_byzantine,
    make_aggregator,
    make_attack,
)


def check_settings(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    rounds: int | None = None,
    eval_every: int = 0,
) -> None:
    """Refuses settings that have no meaning, before anything is traced.

    Of the hyperparameters, those that are traced already are not looked at.

    Args:
        configuration: static settings.
        hyperparameters: traced settings.
        rounds: rounds of the run, None where they are not known yet.
        eval_every: how often it is evaluated.

    Raises:
        InvalidInputError: names the setting, its value and what is allowed.
    """
    check_jax_settings()
    numbers = {
        name: value
        for name, value in hyperparameters._asdict().items()
        if not isinstance(value, Tracer)
    }
    schedule = {} if rounds is None else {"rounds": rounds, "eval_every": eval_every}
    static = dataclasses.asdict(configuration)
    for name, value in (*static.items(), *numbers.items(), *schedule.items()):
        if name in RANGES:
            check_number(name, value)
    for setting, allowed in (
        ("model", MODELS),
        ("attack", ATTACKS),
        ("aggregator", AGGREGATORS),
        ("client_optimizer", OPTIMIZERS),
        ("server_optimizer", OPTIMIZERS),
        ("scope", ("dense", "sparse")),
        ("aggregation", ("sparse", "dense")),
        ("trim_form", ("paper", "classic")),
        ("krum_distance", ("squared", "plain")),
        ("negatives", ("fixed", "resample")),
        ("ranking", ("sampled", "full")),
        ("repeated_negatives", ("merged", "reference")),
    ):
        value = getattr(configuration, setting)
        if value not in allowed:
            raise InvalidInputError(
                f"{setting}={value!r}: allowed are {', '.join(allowed)}"
            )
    _check_devices(configuration)
    _check_model(configuration, hyperparameters)
    _check_attack(configuration, numbers, rounds)
    _check_expected(configuration, numbers)
    _check_metrics(configuration, hyperparameters)


def _check_attack(
    configuration: Configuration, numbers: Mapping[str, Any], rounds: int | None
) -> None:
    """Refuses an attack that does not happen, and attackers that have no room."""
    room = configuration.malicious_clients
    malicious = np.asarray(numbers.get("malicious_clients", room))
    if np.any(malicious > room):
        raise InvalidInputError(
            f"malicious_clients={malicious}: the configuration has room for {room}"
        )
    if configuration.attack == CLEAN:
        return
    if np.any(malicious < 1):
        raise InvalidInputError(
            f"malicious_clients={malicious}: attack={configuration.attack} needs at "
            "least one, in Configuration and in Hyperparameters"
        )
    begin = np.asarray(numbers.get("attack_start", 0))
    if rounds is not None and np.any(begin >= rounds):
        raise InvalidInputError(
            f"attack_start={begin}: attack={configuration.attack} would never begin, "
            f"must be below rounds={rounds}"
        )


def _check_expected(configuration: Configuration, numbers: Mapping[str, Any]) -> None:
    """Refuses a rule that is not told how many Byzantine clients to expect."""
    expected = np.asarray(numbers.get("expected_byzantine", 0))
    expects = expects_byzantine(
        configuration.aggregator,
        configuration.trim_form,
        configuration.trim_share_given,
    )
    if expects and np.any(expected < 0):
        raise InvalidInputError(
            f"expected_byzantine={expected}: aggregator={configuration.aggregator} "
            "needs the number of Byzantine clients to expect, 0 for none"
        )


def _check_metrics(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> None:
    """Refuses metrics that share a name, and targets that nobody or nothing has."""
    names = [metric.name for metric in configuration.metrics]
    if not names or len(set(names)) < len(names):
        raise InvalidInputError(f"metrics={names}: must be distinct, and at least one")
    given, room = len(hyperparameters.targets), configuration.num_targets
    if given != room:
        raise InvalidInputError(f"num_targets={room}: {given} targets are given")
    if room == 0 and configuration.ranks("targets"):
        raise InvalidInputError(f"num_targets=0: {names} measure their exposure")


def _check_devices(configuration: Configuration) -> None:
    if configuration.num_devices == 1:
        return  # without starting JAX
    existing = len(find_devices())
    if configuration.num_devices > existing:
        raise InvalidInputError(
            f"num_devices={configuration.num_devices}: JAX has {existing}"
        )


def _check_model(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> None:
    """Refuses what the model or its form of work does not go with."""
    model = MODELS[configuration.model]()
    if configuration.neighbours_per_item and model.represent is None:
        raise InvalidInputError(
            f"neighbours_per_item={configuration.neighbours_per_item}: the model "
            f"{configuration.model} does not look at a client's graph"
        )
    make_attack(configuration, hyperparameters)  # may need a model of another kind
    if configuration.repeated_negatives == "merged":
        return
    rule = make_aggregator(configuration, hyperparameters)
    if rule.needs_groups or not configuration.works_by_pairs:
        raise InvalidInputError(
            "repeated_negatives=reference: goes with the aggregators mean and norm, a "
            "model that works pair by pair, such as fedmf, and no private uploads"
        )
