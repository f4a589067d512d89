"""Rules for sparse uploads and stages before them, by name.

A new one is one new file and one line in ``AGGREGATORS`` or ``STAGES``.
"""

from jaxfr.aggregators.base import (
    Rule,
    ServerKnowledge,
    ServerView,
    Stage,
    chain,
    chained,
    dense,
    item_wise,
    row_wise,
    stateless_rule,
    stateless_stage,
)
from jaxfr.aggregators.centred_clipping import centred_clipping
from jaxfr.aggregators.geometric_median import geometric_median
from jaxfr.aggregators.item_stages import (
    arc,
    bucketing,
    nearest_neighbour_mixing,
)
from jaxfr.aggregators.krum import krum
from jaxfr.aggregators.mean import mean
from jaxfr.aggregators.median import median
from jaxfr.aggregators.multi_krum import multi_krum
from jaxfr.aggregators.norm import clip_by_norm, norm
from jaxfr.aggregators.scale import scale
from jaxfr.aggregators.server import Aggregate, aggregate, init_server
from jaxfr.aggregators.shrink import shrink
from jaxfr.aggregators.stages import (
    budget,
    caf,
    clip_adaptive,
    clip_growth,
    dnc,
    flame,
    fools_gold,
    overlap,
    realisable,
    reputation,
    sign_guard,
)
from jaxfr.aggregators.trimmed_mean import classic_trimmed_mean, trimmed_mean
from jaxfr.catalogues import Catalogue, by_name, show_catalogues

__all__ = [
    "AGGREGATORS",
    "OTHER_NAMES",
    "STAGES",
    "Aggregate",
    "Rule",
    "ServerKnowledge",
    "ServerView",
    "Stage",
    "aggregate",
    "arc",
    "bucketing",
    "budget",
    "caf",
    "centred_clipping",
    "chain",
    "chained",
    "classic_trimmed_mean",
    "clip_adaptive",
    "clip_by_norm",
    "clip_growth",
    "dense",
    "dnc",
    "flame",
    "fools_gold",
    "geometric_median",
    "init_server",
    "item_wise",
    "krum",
    "mean",
    "median",
    "multi_krum",
    "nearest_neighbour_mixing",
    "norm",
    "overlap",
    "realisable",
    "reputation",
    "row_wise",
    "scale",
    "shrink",
    "sign_guard",
    "stateless_rule",
    "stateless_stage",
    "trimmed_mean",
]

AGGREGATORS: Catalogue[Rule] = by_name(
    *(mean, median, trimmed_mean, classic_trimmed_mean, krum, norm),
    *(shrink, geometric_median, centred_clipping, multi_krum),
)
"""The rules by name."""

OTHER_NAMES: Catalogue[Rule] = Catalogue({"meamed": trimmed_mean})
"""What other papers call some of them; a record has the name of the rule itself."""

STAGES: Catalogue[Stage] = by_name(
    clip_by_norm,
    scale,
    clip_growth,
    clip_adaptive,
    budget,
    overlap,
    reputation,
    sign_guard,
    dnc,
    caf,
    fools_gold,
    flame,
    realisable,
    *(bucketing, nearest_neighbour_mixing, arc),
)
"""What may stand before a rule."""

show_catalogues(__name__)


def __dir__() -> list[str]:
    return __all__
