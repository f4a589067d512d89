"""Aggregation rules for sparse uploads, by name.

A new rule is one new file and one line in ``AGGREGATORS``.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from jax import Array

from jaxfr.aggregators.base import (
    Aggregate,
    Rule,
    ServerKnowledge,
    ServerState,
    ServerView,
    Stage,
    aggregate,
    chain,
    combine,
    init_server,
    receive,
    row_wise,
    sees_clients,
    stateless_rule,
    stateless_stage,
)
from jaxfr.aggregators.dense import dense
from jaxfr.aggregators.krum import KrumDistance, krum
from jaxfr.aggregators.mean import mean
from jaxfr.aggregators.median import median
from jaxfr.aggregators.norm import clip_by_norm
from jaxfr.aggregators.trimmed_mean import classic_trimmed_mean, trimmed_mean

__all__ = [
    "AGGREGATORS",
    "Aggregate",
    "AggregatorOptions",
    "Rule",
    "ServerKnowledge",
    "ServerState",
    "ServerView",
    "Stage",
    "aggregate",
    "chain",
    "classic_trimmed_mean",
    "clip_by_norm",
    "combine",
    "dense",
    "init_server",
    "krum",
    "mean",
    "median",
    "receive",
    "row_wise",
    "sees_clients",
    "stateless_rule",
    "stateless_stage",
    "trimmed_mean",
]


class AggregatorOptions(NamedTuple):
    """What the rules can be told; each reads what concerns it.

    Attributes:
        clip_norm: largest norm of a row for ``norm``, positive.
        trim_form: ``"paper"`` or ``"classic"`` trimmed mean.
        trim_share: share that the classic form drops at each end; ``None`` for the
            expected share of Byzantine clients.
        krum_distance: ``"squared"`` or ``"plain"`` distances.
    """

    clip_norm: Array | float = 1.0
    trim_form: Literal["paper", "classic"] = "paper"
    trim_share: Array | float | None = None
    krum_distance: KrumDistance = "squared"


def _trimmed_mean(options: AggregatorOptions) -> Rule:
    if options.trim_form == "classic":
        return classic_trimmed_mean(options.trim_share)
    return trimmed_mean()


AGGREGATORS: Mapping[str, Callable[[AggregatorOptions], Rule]] = {
    "mean": lambda options: mean(),
    "median": lambda options: median(),
    "trimmed_mean": _trimmed_mean,
    "krum": lambda options: krum(options.krum_distance),
    "norm": lambda options: chain(clip_by_norm(options.clip_norm), mean()),
}
