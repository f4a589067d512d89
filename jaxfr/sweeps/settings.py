"""The settings of a run in the words of its flags, and what they come to."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from jaxfr.aggregators.krum import KrumDistance
from jaxfr.attacks import (
    ATTACKS,
    CLEAN,
    attacker_count,
    least_benign_clients,
    malicious_client_count,
)
from jaxfr.attacks.options import Scope
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import NUM_CANDIDATES
from jaxfr.evaluation.metric import RankingName, needed_rankings
from jaxfr.evaluation.metrics import DEFAULT_NAMES, parse_metrics
from jaxfr.evaluation.targets import DEFAULT_TARGETS, parse_targets, write_targets
from jaxfr.ranges import RANGES, check_number
from jaxfr.training.checks import check_settings
from jaxfr.training.settings import Configuration, Hyperparameters, RepeatedNegatives


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that decides a run, but for the data's content and the code.

    Attributes:
        dataset: a name of ``DATASETS``, or a path.
        synthetic: settings of the data set ``synthetic``, ``name=value,...``.
        model: a name of ``MODELS``.
        embedding_dim: embedding size d.
        rounds: number of rounds.
        learning_rate: eta, of clients and server alike.
        regularization: L2 coefficient lambda.
        negatives: drawn once (``fixed``) or in each round (``resample``).
        participation: share of all clients that is drawn for each round.
        client_optimizer: a name of ``OPTIMIZERS``, for user embeddings.
        server_optimizer: a name of ``OPTIMIZERS``, for item embeddings.
        attack: a name of ``ATTACKS``; ``none`` has no malicious client, and the server
            expects as many as in the others.
        malicious_ratio: malicious share rho of all clients.
        scope: of the baseline attacks, ``dense`` or ``sparse``.
        lie_z: how many deviations LIE moves by; None for its formula.
        attack_start: first round with malicious uploads, from 0.
        noise_scale: standard deviation sigma of the noise of the L attacks.
        max_poisoned_items: items that a client of an S attack poisons; 0 for the
            largest number that a benign client uploads.
        aggregator: a name of ``AGGREGATORS``.
        aggregation: ``sparse`` or ``dense``.
        expected_byzantine: Byzantine clients that the aggregator expects; -1 for as
            many as ``malicious_ratio`` adds.
        clip_norm: largest Euclidean norm of an uploaded row; None for 1 with the
            aggregator ``norm`` and no limit with others.
        trim_form: of the trimmed mean, ``paper`` or ``classic``.
        trim_share: share that the classic form drops at each end; None for the
            expected share of Byzantine clients.
        krum_distance: ``squared`` or ``plain``.
        ranking: ``sampled`` or ``full``.
        num_candidates: items that a test item is ranked among when sampled.
        metrics: what is evaluated, as ``parse_metrics`` reads it.
        targets: items whose exposure is measured, as ``parse_targets`` reads it.
        eval_every: evaluates after every so many rounds; 0 for the last only.
        neighbours_per_item: other users whose embeddings a client is sent for each of
            its training items, for models that look at the client's graph.
        pseudo_items: items that each client pretends to have interacted with.
        privacy_clip: largest absolute number that a client uploads; None without local
            differential privacy.
        privacy_noise: scale of the Laplace noise that clients add there.
        repeated_negatives: of a negative that a client drew twice, whether its rows
            are ``merged``, or kept apart as in the Spattack paper's ``reference``.
        init_from: file of values to start from instead of drawing them.
        seed: decides every random draw.
    """

    dataset: str = "ml-100k"
    synthetic: str = ""
    model: str = "fedmf"
    embedding_dim: int = 32
    rounds: int = 200
    learning_rate: float = 0.01
    regularization: float = 0.1
    negatives: Literal["fixed", "resample"] = "fixed"
    participation: float = 1.0
    client_optimizer: str = "sgd"
    server_optimizer: str = "sgd"
    attack: str = CLEAN
    malicious_ratio: float = 0.03
    scope: Scope = "dense"
    lie_z: float | None = None
    attack_start: int = 0
    noise_scale: float = 1.0
    max_poisoned_items: int = 0
    aggregator: str = "mean"
    aggregation: Literal["sparse", "dense"] = "sparse"
    expected_byzantine: int = -1
    clip_norm: float | None = None
    trim_form: Literal["paper", "classic"] = "paper"
    trim_share: float | None = None
    krum_distance: KrumDistance = "squared"
    ranking: Literal["sampled", "full"] = "sampled"
    num_candidates: int = NUM_CANDIDATES
    metrics: str = DEFAULT_NAMES
    targets: str = DEFAULT_TARGETS
    eval_every: int = 10
    neighbours_per_item: int = 0
    pseudo_items: int = 0
    privacy_clip: float | None = None
    privacy_noise: float = 0.0
    repeated_negatives: RepeatedNegatives = "merged"
    init_from: str | None = None
    seed: int = 0


SETTING_NAMES = tuple(field.name for field in dataclasses.fields(Settings))


@dataclasses.dataclass(frozen=True)
class ResolvedSettings:
    """What settings come to with a known number of clients.

    Attributes:
        configuration: the static part.
        hyperparameters: the traced part.
        recorded: every setting by its own name, those that stand for another value
            replaced by it, and ``malicious_clients``.
    """

    configuration: Configuration
    hyperparameters: Hyperparameters
    recorded: Mapping[str, Any]


def rankings_of(settings: Settings) -> frozenset[RankingName]:
    """The rankings that an evaluation needs.

    Raises:
        InvalidInputError: as ``parse_metrics``.
    """
    return needed_rankings(settings.ranking, parse_metrics(settings.metrics))


def resolve(settings: Settings, num_clients: int) -> ResolvedSettings:
    """Finds what settings come to.

    Args:
        settings: the settings.
        num_clients: number of benign clients n.

    Raises:
        InvalidInputError: if a value has no meaning, with its name and what is allowed,
            or an attack has no malicious client.
    """
    _check_values(settings)
    added = malicious_client_count(num_clients, settings.malicious_ratio)
    malicious = attacker_count(
        settings.attack, num_clients, settings.malicious_ratio, settings.dataset
    )
    expected = added if settings.expected_byzantine < 0 else settings.expected_byzantine
    clip_norm = settings.clip_norm
    if clip_norm is None and settings.aggregator == "norm":
        clip_norm = 1.0
    metrics, targets = parse_metrics(settings.metrics), parse_targets(settings.targets)
    used = targets if "targets" in needed_rankings(settings.ranking, metrics) else ()
    configuration = Configuration(
        model=settings.model,
        attack=settings.attack,
        scope=settings.scope,
        lie_z_given=settings.lie_z is not None,
        aggregator=settings.aggregator,
        aggregation=settings.aggregation,
        clip=clip_norm is not None and settings.aggregator != "norm",
        trim_form=settings.trim_form,
        trim_share_given=settings.trim_share is not None,
        krum_distance=settings.krum_distance,
        negatives=settings.negatives,
        partial_participation=settings.participation < 1,
        embedding_dim=settings.embedding_dim,
        malicious_clients=malicious,
        client_optimizer=settings.client_optimizer,
        server_optimizer=settings.server_optimizer,
        ranking=settings.ranking,
        num_candidates=settings.num_candidates,
        metrics=metrics,
        num_targets=len(used),
        neighbours_per_item=settings.neighbours_per_item,
        pseudo_items=settings.pseudo_items,
        local_privacy=settings.privacy_clip is not None,
        repeated_negatives=settings.repeated_negatives,
    )
    hyperparameters = Hyperparameters(
        learning_rate=settings.learning_rate,
        regularization=settings.regularization,
        malicious_clients=malicious,
        expected_byzantine=expected,
        attack_start=settings.attack_start,
        noise_scale=settings.noise_scale,
        max_poisoned_items=settings.max_poisoned_items,
        lie_z=0.0 if settings.lie_z is None else settings.lie_z,
        clip_norm=1.0 if clip_norm is None else clip_norm,
        trim_share=settings.trim_share or 0.0,
        participation=settings.participation,
        privacy_clip=1.0 if settings.privacy_clip is None else settings.privacy_clip,
        privacy_noise=settings.privacy_noise,
        targets=used,
    )
    check_settings(configuration, hyperparameters, settings.rounds, settings.eval_every)
    recorded = dataclasses.asdict(settings) | {
        "synthetic": settings.synthetic if settings.dataset == "synthetic" else "",
        "malicious_clients": malicious,
        "expected_byzantine": expected,
        "clip_norm": clip_norm,
        "targets": write_targets(targets),
    }
    return ResolvedSettings(configuration, hyperparameters, recorded)


def check_alone(settings: Settings) -> None:
    """Refuses what has no meaning with any number of clients.

    Raises:
        InvalidInputError: names the setting, its value and what is allowed.
    """
    ratio = settings.malicious_ratio
    check_number("malicious_ratio", ratio)
    resolve(settings, num_clients=least_benign_clients(ratio) if ratio else 1)


def _check_values(settings: Settings) -> None:
    for name in SETTING_NAMES:
        value = getattr(settings, name)
        if name in RANGES and value is not None:
            check_number(name, value)
    if settings.attack not in ATTACKS:
        raise InvalidInputError(
            f"attack={settings.attack!r}: allowed are {', '.join(ATTACKS)}"
        )
    if settings.privacy_noise and settings.privacy_clip is None:
        raise InvalidInputError(
            f"privacy_noise={settings.privacy_noise}: needs privacy_clip, the bound of "
            "what it is to hide"
        )
