"""What is compiled in, and what is only a number.

``Configuration`` is static: names and shapes; another one is another program.
``Hyperparameters`` are traced: changing a number never compiles anything, and every
number can be an axis of ``vmap``.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.aggregators import (
    AGGREGATORS,
    AggregatorOptions,
    Rule,
    chain,
    clip_by_norm,
    dense,
)
from jaxfr.aggregators.krum import KrumDistance
from jaxfr.attacks import ATTACKS, Attack, AttackOptions
from jaxfr.attacks.options import Scope
from jaxfr.clients.privacy import Privacy
from jaxfr.evaluation.candidates import NUM_CANDIDATES
from jaxfr.evaluation.metric import Metric, RankingName, needed_rankings
from jaxfr.evaluation.metrics import DEFAULT_METRICS
from jaxfr.models import MODELS

RepeatedNegatives = Literal["merged", "reference"]

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
        malicious_clients: room for malicious clients, at least one where there is an
            attack; ``Hyperparameters`` say how many of them exist.
        client_optimizer: a name of ``OPTIMIZERS``, for user embeddings.
        server_optimizer: a name of ``OPTIMIZERS``, for item embeddings.
        ranking: ``"sampled"`` candidates or the ``"full"`` set of non-training items.
        num_candidates: items that a test item is ranked among when sampled.
        metrics: what is counted in an evaluation.
        num_targets: how many items' exposure is measured.
        neighbours_per_item: other users whose embeddings a client is sent for each of
            its training items, for a model that looks at the client's graph.
        pseudo_items: items that each client pretends to have interacted with.
        local_privacy: whether clients clip and perturb what they upload.
        repeated_negatives: whether a client's rows of a negative that it drew twice
            are ``"merged"``, or kept apart and overlooked by an omniscient attacker
            but for the first, as in the Spattack paper's ``"reference"``.
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
    metrics: tuple[Metric, ...] = DEFAULT_METRICS
    num_targets: int = 0
    neighbours_per_item: int = 0
    pseudo_items: int = 0
    local_privacy: bool = False
    repeated_negatives: RepeatedNegatives = "merged"
    num_devices: int = 1

    def ranks(self, ranking: RankingName) -> bool:
        """Whether an evaluation needs this ranking."""
        return ranking in needed_rankings(self.ranking, self.metrics)

    @property
    def works_by_pairs(self) -> bool:
        """Whether clients are worked off pair by pair, rather than each as a whole."""
        by_pairs = MODELS[self.model]().pair_gradients is not None
        return by_pairs and self.pseudo_items == 0 and not self.local_privacy


class Hyperparameters(NamedTuple):
    """The traced part of the settings, scalars all but the targets, which are several.

    Attributes:
        learning_rate: eta, of clients and server alike.
        regularization: L2 coefficient lambda.
        malicious_clients: number n~ of malicious clients, at most the
            configuration's room.
        expected_byzantine: number of Byzantine clients that the aggregator expects;
            -1 is refused by rules that expect any.
        attack_start: first round with malicious uploads.
        noise_scale: standard deviation sigma of uploaded noise.
        max_poisoned_items: items per client of the S attacks; 0 for the largest
            number that a benign client uploads.
        lie_z: how many deviations LIE moves by.
        clip_norm: largest norm of an uploaded row, where rows are clipped.
        trim_share: share that the classic trimmed mean drops at each end.
        participation: share of all clients that takes part in a round, where
            participation is partial.
        privacy_clip: largest absolute number that a client uploads, where it protects
            its uploads.
        privacy_noise: scale of the Laplace noise that it adds there.
        targets: items whose exposure is measured, ``num_targets`` of them, each an
            item or what ``parse_targets`` has for one that the seed draws.
    """

    learning_rate: Array | float = 0.01
    regularization: Array | float = 0.1
    malicious_clients: Array | int = 0
    expected_byzantine: Array | int = -1
    attack_start: Array | int = 0
    noise_scale: Array | float = 1.0
    max_poisoned_items: Array | int = 0
    lie_z: Array | float = 0.0
    clip_norm: Array | float = 1.0
    trim_share: Array | float = 0.0
    participation: Array | float = 1.0
    privacy_clip: Array | float = 1.0
    privacy_noise: Array | float = 0.0
    targets: tuple[Array | int, ...] = ()


def expects_byzantine(aggregator: str, trim_form: str, trim_share_given: bool) -> bool:
    """Whether a server's rule asks how many Byzantine clients to expect."""
    if aggregator == "trimmed_mean":
        return trim_form == "paper" or not trim_share_given
    return aggregator == "krum"


def make_aggregator(
    configuration: Configuration, hyperparameters: Hyperparameters
) -> Rule:
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
        rule = chain(clip_by_norm(hyperparameters.clip_norm), rule)
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


def make_privacy(
    configuration: Configuration, hyperparameters: Hyperparameters, key: Array
) -> Privacy | None:
    """What clients do to their uploads in the round of this key; None for nothing."""
    if configuration.pseudo_items == 0 and not configuration.local_privacy:
        return None
    clip = jnp.asarray(hyperparameters.privacy_clip)
    return Privacy(
        key=key,
        clip=clip if configuration.local_privacy else None,
        noise=jnp.asarray(hyperparameters.privacy_noise),
    )
