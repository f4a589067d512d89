"""The settings of a run as flags, shared by the programs that train."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from absl import flags

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS, malicious_client_count
from jaxfr.data import DATASETS, Dataset, load_dataset, parse_synthetic_settings
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import check_enough_candidates
from jaxfr.models import MODELS
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    check_settings,
)

flags.DEFINE_string(
    "dataset",
    "ml-100k",
    f"Data set: {', '.join(DATASETS)}, or the path of a file (CSV, TSV, Parquet) of "
    "user, item[, timestamp] rows, or of a folder with train.txt and test.txt. "
    "MovieLens is fetched at its first use.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the data sets that are not fetched, one folder each (steam/train.txt, "
    "steam/test.txt). Default: the environment variable JAXFR_DATA_DIR.",
)
flags.DEFINE_string(
    "synthetic",
    "",
    "Settings of --dataset=synthetic, name=value with commas between them: num_users, "
    "num_items, num_pairs, popularity_exponent, activity_sigma, latent_dimension, "
    "signal_strength, seed. Default: the size of ml-100k.",
)
flags.DEFINE_enum("model", "fedmf", list(MODELS), "Recommender.")
flags.DEFINE_integer("embedding_dim", 32, "Embedding size d.", lower_bound=1)
flags.DEFINE_integer(
    "rounds", 200, "Rounds; every client takes part once in each.", lower_bound=1
)
flags.DEFINE_float("learning_rate", 0.01, "eta, of clients and server alike.")
flags.DEFINE_float("regularization", 0.1, "L2 coefficient lambda.")
flags.DEFINE_enum(
    "negatives",
    "fixed",
    ["fixed", "resample"],
    "Whether negative items are drawn once, before round 0, or anew in each round.",
)
flags.DEFINE_float(
    "participation",
    1.0,
    "Share of all clients that the server draws for each round, above 0, at most 1.",
)
flags.DEFINE_enum(
    "client_optimizer", "sgd", list(OPTIMIZERS), "Optimiser of user embeddings."
)
flags.DEFINE_enum(
    "server_optimizer", "sgd", list(OPTIMIZERS), "Optimiser of item embeddings."
)
flags.DEFINE_float(
    "malicious_ratio",
    0.03,
    "Malicious share rho of all clients, 0 <= rho < 1; floor(n rho / (1 - rho)) "
    "malicious clients join the n benign ones.",
)
flags.DEFINE_integer(
    "attack_start", 0, "First round with malicious uploads, from 0.", lower_bound=0
)
flags.DEFINE_float(
    "noise_scale", 1.0, "Standard deviation sigma of the noise of the L attacks."
)
flags.DEFINE_integer(
    "max_poisoned_items",
    0,
    "Items that a malicious client of the S attacks poisons; 0: the largest number of "
    "distinct items that a benign client uploads.",
    lower_bound=0,
)
flags.DEFINE_enum(
    "aggregator", "mean", list(AGGREGATORS), "How the server joins an item's uploads."
)
flags.DEFINE_enum(
    "aggregation",
    "sparse",
    ["sparse", "dense"],
    "sparse: only the uploads that an item received; dense: clients that sent none "
    "count as zero rows.",
)
flags.DEFINE_integer(
    "expected_byzantine",
    -1,
    "Byzantine clients that the aggregator expects; -1: as many as --malicious_ratio "
    "adds, in a clean run too.",
    lower_bound=-1,
)
flags.DEFINE_float(
    "clip_norm",
    None,
    "Clips every upload to this Euclidean norm, before any aggregator. Default: 1 for "
    "--aggregator=norm, otherwise no clipping.",
)
flags.DEFINE_enum(
    "trim_form",
    "paper",
    ["paper", "classic"],
    "trimmed_mean drops the expected_byzantine values farthest from the median "
    "(paper), or a share at each end (classic).",
)
flags.DEFINE_float(
    "trim_share",
    None,
    "Share that the classic trimmed mean drops at each end, 0 <= share < 0.5. Default: "
    "expected_byzantine over all clients.",
)
flags.DEFINE_enum(
    "krum_distance",
    "squared",
    ["squared", "plain"],
    "Whether Krum sums squared Euclidean distances, or the distances.",
)
flags.DEFINE_enum(
    "ranking",
    "sampled",
    ["sampled", "full"],
    "Ranks a user's test item among sampled items, or among all it did not train on.",
)
flags.DEFINE_integer(
    "num_candidates",
    99,
    "Items that a test item is ranked among in sampled ranking.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "eval_every",
    10,
    "Evaluates after every so many rounds, and after the last; 0: after the last only.",
    lower_bound=0,
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
