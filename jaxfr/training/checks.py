"""Refuses settings that have no meaning, before anything is traced."""

import jax

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS
from jaxfr.errors import InvalidInputError
from jaxfr.models import MODELS
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    make_aggregator,
    make_attack,
)


def check_settings(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> None:
    """Refuses settings that have no meaning, before anything is traced.

    Raises:
        InvalidInputError: names the setting, its value and what is allowed.
    """
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
    _require(configuration, "embedding_dim", 1, None)
    _require(configuration, "num_candidates", 1, None)
    _require(configuration, "malicious_clients", 0, None)
    _require(hyperparameters, "malicious_clients", 0, configuration.malicious_clients)
    _require(configuration, "neighbours_per_item", 0, None)
    _require(configuration, "pseudo_items", 0, None)
    for setting in ("learning_rate", "regularization", "noise_scale", "privacy_noise"):
        _require(hyperparameters, setting, 0, None)
    for setting in ("expected_byzantine", "attack_start", "max_poisoned_items"):
        _require(hyperparameters, setting, 0, None)
    _require(hyperparameters, "lie_z", float("-inf"), None)
    _check_devices(configuration)
    _check_model(configuration, hyperparameters)
    for setting in ("clip_norm", "privacy_clip"):
        value = getattr(hyperparameters, setting)
        if not 0 < value < float("inf"):
            raise InvalidInputError(f"{setting}={value}: must be above 0 and finite")
    if not 0 <= hyperparameters.trim_share < 0.5:
        raise InvalidInputError(
            f"trim_share={hyperparameters.trim_share}: must be at least 0, below 0.5"
        )
    if not 0 < hyperparameters.participation <= 1:
        raise InvalidInputError(
            f"participation={hyperparameters.participation}: must be above 0, at most 1"
        )


def _check_devices(configuration: Configuration) -> None:
    _require(configuration, "num_devices", 1, None)
    if configuration.num_devices == 1:
        return  # without starting JAX
    _require(configuration, "num_devices", 1, jax.device_count())


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


def _require(settings: object, name: str, low: float, high: float | None) -> None:
    value = getattr(settings, name)
    if not (low <= value and (high is None or value <= high) and value < float("inf")):
        limit = "" if high is None else f" and at most {high}"
        raise InvalidInputError(f"{name}={value}: must be at least {low:g}{limit}")
