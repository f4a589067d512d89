"""The flags of a run's settings: single values, or lists that a sweep crosses."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from absl import flags

from experiments.data_flags import SYNTHETIC_HELP
from experiments.flag_parsers import ListParser, NumberParser, ValueSerializer
from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS
from jaxfr.data import DATASETS
from jaxfr.errors import InvalidInputError
from jaxfr.models import MODELS
from jaxfr.ranges import RANGES
from jaxfr.sweeps.settings import Settings
from jaxfr.training.settings import OPTIMIZERS


class SettingFlag(NamedTuple):
    """How a setting is written.

    Attributes:
        parser: from its text to its value.
        help: what it is, with its unit.
        separator: what stands between several values.
    """

    parser: flags.ArgumentParser
    help: str
    separator: str = ","


_TEXT = flags.ArgumentParser()


def _choice(names: Collection[str]) -> flags.EnumParser:
    return flags.EnumParser(list(names))


def _number(name: str) -> NumberParser:
    return NumberParser(RANGES[name], optional=getattr(Settings(), name) is None)


SETTING_FLAGS: Mapping[str, SettingFlag] = {
    "dataset": SettingFlag(
        _TEXT,
        f"Data set: {', '.join(DATASETS)}, or the path of a file (CSV, TSV, Parquet) "
        "of user, item[, timestamp] rows, or of a folder with train.txt and test.txt. "
        "MovieLens is fetched at its first use.",
    ),
    "synthetic": SettingFlag(_TEXT, SYNTHETIC_HELP, separator=";"),
    "model": SettingFlag(_choice(MODELS), "Recommender."),
    "embedding_dim": SettingFlag(_number("embedding_dim"), "Embedding size d."),
    "rounds": SettingFlag(
        _number("rounds"), "Rounds; every client takes part once in each."
    ),
    "learning_rate": SettingFlag(
        _number("learning_rate"), "eta, of clients and server alike."
    ),
    "regularization": SettingFlag(_number("regularization"), "L2 coefficient lambda."),
    "negatives": SettingFlag(
        _choice(["fixed", "resample"]),
        "Whether negative items are drawn once, before round 0, or anew in each round.",
    ),
    "participation": SettingFlag(
        _number("participation"),
        "Share of all clients that the server draws for each round, at most 1.",
    ),
    "client_optimizer": SettingFlag(
        _choice(OPTIMIZERS), "Optimiser of user embeddings."
    ),
    "server_optimizer": SettingFlag(
        _choice(OPTIMIZERS), "Optimiser of item embeddings."
    ),
    "attack": SettingFlag(_choice(ATTACKS), "Attack; none: the clean run."),
    "malicious_ratio": SettingFlag(
        _number("malicious_ratio"),
        "Malicious share rho of all clients, 0 <= rho < 1; floor(n rho / (1 - rho)) "
        "malicious clients join the n benign ones.",
    ),
    "scope": SettingFlag(
        _choice(["dense", "sparse"]),
        "What the baseline attacks take their statistics over, and where they send. "
        "dense: all clients, zeros for those that sent an item nothing, and a "
        "malicious row for every item; sparse: the rows that an item received, and "
        "malicious rows only where there is a gradient.",
    ),
    "lie_z": SettingFlag(
        _number("lie_z"),
        "How many standard deviations lie moves by. none: its formula.",
    ),
    "attack_start": SettingFlag(
        _number("attack_start"), "First round with malicious uploads, from 0."
    ),
    "noise_scale": SettingFlag(
        _number("noise_scale"),
        "Standard deviation sigma of the noise of the L attacks.",
    ),
    "max_poisoned_items": SettingFlag(
        _number("max_poisoned_items"),
        "Items that a malicious client of the S attacks poisons; 0: the largest number "
        "of distinct items that a benign client uploads.",
    ),
    "aggregator": SettingFlag(
        _choice(AGGREGATORS), "How the server joins an item's uploads."
    ),
    "aggregation": SettingFlag(
        _choice(["sparse", "dense"]),
        "sparse: only the uploads that an item received; dense: clients that sent none "
        "count as zero rows.",
    ),
    "expected_byzantine": SettingFlag(
        _number("expected_byzantine"),
        "Byzantine clients that the aggregator expects; -1: as many as "
        "--malicious_ratio adds, in a clean run too.",
    ),
    "clip_norm": SettingFlag(
        _number("clip_norm"),
        "Clips every upload to this Euclidean norm, before any aggregator. none: 1 for "
        "--aggregator=norm, otherwise no clipping.",
    ),
    "trim_form": SettingFlag(
        _choice(["paper", "classic"]),
        "trimmed_mean drops the expected_byzantine values farthest from the median "
        "(paper), or a share at each end (classic).",
    ),
    "trim_share": SettingFlag(
        _number("trim_share"),
        "Share that the classic trimmed mean drops at each end, 0 <= share < 0.5. "
        "none: expected_byzantine over all clients.",
    ),
    "krum_distance": SettingFlag(
        _choice(["squared", "plain"]),
        "Whether Krum sums squared Euclidean distances, or the distances.",
    ),
    "ranking": SettingFlag(
        _choice(["sampled", "full"]),
        "Ranks a user's test item among sampled items, or among all it did not train "
        "on.",
    ),
    "num_candidates": SettingFlag(
        _number("num_candidates"),
        "Items that a test item is ranked among in sampled ranking.",
    ),
    "metrics": SettingFlag(
        _TEXT,
        "What is evaluated, with commas between: hr@K, ndcg@K, percentile (of the test "
        "item, 0 the top, less is better), er@K (exposure of --targets, less is "
        "better). Of the ranking of --ranking, or of another with full_, sampled_ or "
        "within_third_ (candidates of the test item's own popularity third) before it, "
        "as in hr@10,full_hr@10,within_third_hr@10.",
        separator=";",
    ),
    "targets": SettingFlag(
        _TEXT,
        "Items whose exposure er@K measures. cold:N or N: drawn by the seed from the "
        "least popular third; popular:N: from the most popular; items:3,17: items by "
        "their numbers from 0, in the order in which the data name them first.",
        separator=";",
    ),
    "eval_every": SettingFlag(
        _number("eval_every"),
        "Evaluates after every so many rounds, and after the last; 0: after the last "
        "only.",
    ),
    "neighbours_per_item": SettingFlag(
        _number("neighbours_per_item"),
        "Other users whose embeddings, without names, a client is sent for each of its "
        "training items; for fedgnn.",
    ),
    "pseudo_items": SettingFlag(
        _number("pseudo_items"),
        "Items that each client pretends to have interacted with, by gradients drawn "
        "like its real ones.",
    ),
    "privacy_clip": SettingFlag(
        _number("privacy_clip"),
        "Local differential privacy: clients clip each number of their uploads to this "
        "absolute value, and add noise. none: neither.",
    ),
    "privacy_noise": SettingFlag(
        _number("privacy_noise"),
        "Scale lambda of the Laplace noise; each number is 2 --privacy_clip / lambda "
        "differentially private. Needs --privacy_clip.",
    ),
    "repeated_negatives": SettingFlag(
        _choice(["merged", "reference"]),
        "What a client sends of a negative that it drew twice. merged: one row; "
        "reference: one for each draw, of which an omniscient attacker overlooks all "
        "but one, as in the Spattack paper's implementation.",
    ),
    "init_from": SettingFlag(
        _TEXT,
        "File (.npz) with the arrays user_embeddings [n, d] and item_embeddings [m, d] "
        "to start from, and if wanted negatives (one for each training pair, in the "
        "data set's order), noise [m, d] (for the L attacks) and weights [w] (for a "
        "model with shared weights, as one row of numbers).",
    ),
}


def define_setting_flags(lists: Collection[str], seeds: str = "0") -> None:
    """Defines a flag for every setting, of which the seed always is a list.

    Args:
        lists: the other settings that take several values; the rest takes one.
        seeds: the default of ``--seeds``.
    """
    flags.DEFINE_string(
        "seeds", seeds, "Seeds: a list as in 0,1,2 or a range as in 0:10 (10 excluded)."
    )
    defaults = Settings()
    for name, setting in SETTING_FLAGS.items():
        text, parser = setting.help, setting.parser
        if isinstance(parser, flags.EnumParser):
            text = f"<{'|'.join(parser.enum_values)}>: {text}"
        default = getattr(defaults, name)
        if name in lists:
            parser = ListParser(parser, setting.separator)
            text += f" Several: with {setting.separator!r} between them."
            default = (default,)
        serializer = ValueSerializer(setting.separator)
        flags.DEFINE(parser, name, default, text, serializer=serializer)


def flagged_settings(**others: Any) -> Settings:
    """The settings that the flags name.

    Args:
        **others: values of the settings whose flags are lists, and of the seed.
    """
    names = SETTING_FLAGS.keys() - others.keys()
    return Settings(**{name: flags.FLAGS[name].value for name in names}, **others)


def parse_value(name: str, value: object) -> Any:
    """Reads a setting's value from a file, as its flag would.

    Args:
        name: the setting.
        value: text, a number, or what stands for none.

    Raises:
        InvalidInputError: if there is no such setting, or it has no such value.
    """
    setting = SETTING_FLAGS.get(name)
    if setting is None:
        raise InvalidInputError(
            f"{name}: is no setting; settings are {', '.join(SETTING_FLAGS)}"
        )
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInputError(f"{name}={value!r}: must be text or a number")
    try:
        return setting.parser.parse(str(value))
    except ValueError as error:
        raise InvalidInputError(f"{name}={value!r}: {error}") from None


def parse_values(name: str, values: object) -> tuple[Any, ...]:
    """Reads one value of a setting, or a list of them, as ``parse_value`` does."""
    several = values if isinstance(values, list) else [values]
    if not several:
        raise InvalidInputError(f"{name}: has no value")
    return tuple(parse_value(name, value) for value in several)
