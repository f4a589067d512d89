"""What is compiled in, and what is only a number.

``Configuration`` is static: names and shapes; another one is another program.
``Hyperparameters`` are traced: changing a number never compiles anything, and every
number can be an axis of ``vmap``.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import jax
import optax
from jax import Array

from jaxfr.aggregators import (
    AGGREGATORS,
    Aggregator,
    AggregatorOptions,
    chain,
    clip_by_norm,
    dense,
)
from jaxfr.aggregators.krum import KrumDistance
from jaxfr.attacks import ATTACKS, Attack, AttackOptions
from jaxfr.attacks.options import Scope
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import NUM_CANDIDATES
from jaxfr.models import MODELS

OptimizerFactory = Callable[[Array], optax.GradientTransformation]

OPTIMIZERS: Mapping[str, OptimizerFactory] = {
    "sgd": optax.sgd,
    "momentum": lambda learning_rate: optax.sgd(learning_rate, momentum=0.9),
    "adam": optax.adam,
}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The static part of the settings.

    Attributes:
        model: a name of ``MODELS``.
        attack: a name of ``ATTACKS``.
        scope: ``"dense"`` or ``"sparse"``, of the baseline attacks.
        lie_z_given: whether LIE takes ``lie_z``; otherwise its formula.
        aggregator: a name of ``AGGREGATORS``.
        aggregation: ``"sparse"``, or ``"dense"`` where absent clients are zero rows.
        clip: whether rows are clipped to ``clip_norm`` before the rule (``norm`` clips
            in any case).
        trim_form: the paper's trimmed mean or the classic one.
        trim_share_given: whether the classic form takes ``trim_share``; otherwise the
            expected share of Byzantine clients.
        krum_distance: squared or plain distances.
        negatives: ``"fixed"`` before round 0, or ``"resample"`` in each round.
        partial_participation: whether each round draws who takes part.
        embedding_dim: embedding size d.
        malicious_clients: room for malicious clients; ``Hyperparameters`` say how many
            of them exist.
        client_optimizer: a name of ``OPTIMIZERS``, for user embeddings.
        server_optimizer: a name of ``OPTIMIZERS``, for item embeddings.
        ranking: ``"sampled"`` candidates or the ``"full"`` set of non-training items.
        num_candidates: items that a test item is ranked among when sampled.
        num_devices: over how many devices a run is spread.
    """

    model: str = "fedmf"
    attack: str = "none"
    scope: Scope = "dense"
    lie_z_given: bool = False
    aggregator: str = "mean"
    aggregation: Literal["sparse", "dense"] = "sparse"
    clip: bool = False
    trim_form: Literal["paper", "classic"] = "paper"
    trim_share_given: bool = False
    krum_distance: KrumDistance = "squared"
    negatives: Literal["fixed", "resample"] = "fixed"
    partial_participation: bool = False
    embedding_dim: int = 32
    malicious_clients: int = 0
    client_optimizer: str = "sgd"
    server_optimizer: str = "sgd"
    ranking: Literal["sampled", "full"] = "sampled"
    num_candidates: int = NUM_CANDIDATES
    num_devices: int = 1


class Hyperparameters(NamedTuple):
    """The traced part of the settings, scalars all.

    Attributes:
        learning_rate: eta, of clients and server alike.
        regularization: L2 coefficient lambda.
        malicious_clients: number n~ of malicious clients, at most the
            configuration's room.
        expected_byzantine: number of Byzantine clients that the aggregator expects.
        attack_start: first round with malicious uploads.
        noise_scale: standard deviation sigma of uploaded noise.
        max_poisoned_items: items per client of the S attacks; 0 for the largest
            number that a benign client uploads.
        lie_z: how many deviations LIE moves by.
        clip_norm: largest norm of an uploaded row, where rows are clipped.
        trim_share: share that the classic trimmed mean drops at each end.
        participation: share of all clients that takes part in a round, where
            participation is partial.
    """

    learning_rate: Array | float = 0.01
    regularization: Array | float = 0.1
    malicious_clients: Array | int = 0
    expected_byzantine: Array | int = 0
    attack_start: Array | int = 0
    noise_scale: Array | float = 1.0
    max_poisoned_items: Array | int = 0
    lie_z: Array | float = 0.0
    clip_norm: Array | float = 1.0
    trim_share: Array | float = 0.0
    participation: Array | float = 1.0


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
    for setting in ("learning_rate", "regularization", "noise_scale"):
        _require(hyperparameters, setting, 0, None)
    for setting in ("expected_byzantine", "attack_start", "max_poisoned_items"):
        _require(hyperparameters, setting, 0, None)
    _require(hyperparameters, "lie_z", float("-inf"), None)
    _check_devices(configuration)
    if not 0 < hyperparameters.clip_norm < float("inf"):
        raise InvalidInputError(
            f"clip_norm={hyperparameters.clip_norm}: must be above 0 and finite"
        )
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
    if MODELS[configuration.model]().pair_gradients is None:
        raise InvalidInputError(
            f"num_devices={configuration.num_devices}: the model {configuration.model} "
            "runs on one device only"
        )


def _require(settings: object, name: str, low: float, high: float | None) -> None:
    value = getattr(settings, name)
    if not (low <= value and (high is None or value <= high) and value < float("inf")):
        limit = "" if high is None else f" and at most {high}"
        raise InvalidInputError(f"{name}={value}: must be at least {low:g}{limit}")


def make_aggregator(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> Aggregator:
    """Builds the server's rule; numbers in it may be traced."""
    options = AggregatorOptions(
        clip_norm=hyperparameters.clip_norm,
        trim_form=configuration.trim_form,
        trim_share=(
            hyperparameters.trim_share if configuration.trim_share_given else None
        ),
        krum_distance=configuration.krum_distance,
    )
    rule = AGGREGATORS[configuration.aggregator](options)
    if configuration.aggregation == "dense":
        rule = dense(rule)
    if configuration.clip:
        rule = chain(clip_by_norm(hyperparameters.clip_norm), rule=rule)
    return rule


def make_attack(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> Attack:
    """Builds the attack; numbers in it may be traced."""
    options = AttackOptions(
        scope=configuration.scope,
        lie_z=hyperparameters.lie_z if configuration.lie_z_given else None,
        learning_rate=hyperparameters.learning_rate,
        regularization=hyperparameters.regularization,
        model=MODELS[configuration.model](),
    )
    return ATTACKS[configuration.attack](options)
