"""The settings of a run, read from their flags."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from absl import flags

from experiments import setting_flags  # noqa: F401 (defines the flags)
from jaxfr.attacks import ATTACKS, malicious_client_count
from jaxfr.data import Dataset, load_dataset, parse_synthetic_settings
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.training.settings import (
    Configuration,
    Hyperparameters,
    check_settings,
)

# What a record holds under the flag's own name; the rest is derived below.
_RECORDED = (
    "dataset",
    "model",
    "embedding_dim",
    "rounds",
    "learning_rate",
    "regularization",
    "negatives",
    "participation",
    "client_optimizer",
    "server_optimizer",
    "malicious_ratio",
    "attack_start",
    "noise_scale",
    "aggregator",
    "aggregation",
    "trim_form",
    "trim_share",
    "krum_distance",
    "ranking",
    "num_candidates",
    "eval_every",
)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """Everything that decides a run, but for its seed.

    Attributes:
        configuration: the static part.
        hyperparameters: the traced part.
        recorded: every setting by its flag's name, for the record.
    """

    configuration: Configuration
    hyperparameters: Hyperparameters
    recorded: Mapping[str, Any]


def load_flagged_dataset() -> Dataset:
    """Loads the data set that the flags name."""
    return load_dataset(
        flags.FLAGS.dataset,
        data_dir=flags.FLAGS.data_dir,
        synthetic=parse_synthetic_settings(flags.FLAGS.synthetic),
    )


def check_flags() -> None:
    """Refuses what can be seen to be wrong before any data is loaded."""
    ratio = flags.FLAGS.malicious_ratio
    if not 0 <= ratio < 1:
        raise InvalidInputError(
            f"malicious_ratio={ratio}: must be at least 0 and below 1"
        )
    run_settings("none", num_clients=1)


def check_dataset(dataset: Dataset) -> None:
    """Refuses data that cannot be ranked as the flags say."""
    if flags.FLAGS.ranking == "sampled":
        check_enough_candidates(dataset, flags.FLAGS.num_candidates)


def num_ranked(dataset: Dataset) -> float:
    """Items in a user's ranking; in full ranking, the average."""
    if flags.FLAGS.ranking == "sampled":
        return flags.FLAGS.num_candidates + 1
    return dataset.num_items - dataset.num_train_pairs / dataset.num_users


def run_settings(attack: str, num_clients: int) -> RunSettings:
    """Reads the flags for one attack.

    Args:
        attack: the attack; the clean run ``none`` has no malicious client, and the
            server expects as many as in the others.
        num_clients: number of benign clients n.

    Raises:
        InvalidInputError: if a value has no meaning.
    """
    values = flags.FLAGS
    if attack not in ATTACKS:
        raise InvalidInputError(f"attack={attack!r}: allowed are {', '.join(ATTACKS)}")
    added = malicious_client_count(num_clients, values.malicious_ratio)
    malicious = 0 if attack == "none" else added
    expected = added if values.expected_byzantine < 0 else values.expected_byzantine
    clip_norm = values.clip_norm
    if clip_norm is None:
        clip_norm = 1.0 if values.aggregator == "norm" else math.inf
    configuration = Configuration(
        model=values.model,
        attack=attack,
        aggregator=values.aggregator,
        aggregation=values.aggregation,
        clip=clip_norm < math.inf and values.aggregator != "norm",
        trim_form=values.trim_form,
        trim_share_given=values.trim_share is not None,
        krum_distance=values.krum_distance,
        negatives=values.negatives,
        partial_participation=values.participation < 1,
        embedding_dim=values.embedding_dim,
        malicious_clients=malicious,
        client_optimizer=values.client_optimizer,
        server_optimizer=values.server_optimizer,
        ranking=values.ranking,
        num_candidates=values.num_candidates,
    )
    hyperparameters = Hyperparameters(
        learning_rate=values.learning_rate,
        regularization=values.regularization,
        malicious_clients=malicious,
        expected_byzantine=expected,
        attack_start=values.attack_start,
        noise_scale=values.noise_scale,
        max_poisoned_items=values.max_poisoned_items,
        clip_norm=clip_norm if clip_norm < math.inf else 1.0,
        trim_share=values.trim_share or 0.0,
        participation=values.participation,
    )
    check_settings(configuration, hyperparameters)
    recorded = {name: getattr(values, name) for name in _RECORDED} | {
        "attack": attack,
        "malicious_clients": malicious,
        "expected_byzantine": expected,
        "clip_norm": clip_norm if clip_norm < math.inf else None,
    }
    if values.dataset == "synthetic":
        recorded["synthetic"] = values.synthetic
    return RunSettings(configuration, hyperparameters, recorded)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads ``0,1,2`` or ``0:10`` (the end excluded), or a mixture with commas.

    Raises:
        InvalidInputError: if the text is of another form, empty, or names a seed twice.
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            seeds += range(int(first), int(end)) if colon else [int(first)]
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) != len(seeds) or not 0 <= min(seeds) < 2**63:
        raise InvalidInputError(
            f"seeds={text!r}: must be distinct whole numbers, as in 0,1,2 or 0:10"
        )
    return tuple(seeds)
