"""The public names of ``jaxfr``, and where they are from."""

from jaxfr import __version__, aggregators, attacks, models, optimizers
from jaxfr.aggregators import (
    Rule,
    ServerKnowledge,
    ServerView,
    Stage,
    aggregate,
    chain,
    classic_trimmed_mean,
    clip_by_norm,
    krum,
    mean,
    median,
    norm,
    row_wise,
    stateless_rule,
    stateless_stage,
    trimmed_mean,
)
from jaxfr.attacks import (
    Knowledge,
    LimitedAttack,
    OmniscientAttack,
    RoundView,
    WhiteBoxAttack,
    same_rows,
)
from jaxfr.data import Dataset, datasets, load_dataset, synthetic_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import (
    Metric,
    exposure,
    hit_ratio,
    in_ranking,
    mean_over_users,
    ndcg,
    percentile,
)
from jaxfr.experiment import Experiment
from jaxfr.models import Model
from jaxfr.models.bpr import bpr_model
from jaxfr.parts import Number, Part, Whole, part
from jaxfr.ranges import Range
from jaxfr.records.results import Results
from jaxfr.sweeps.sweep import sweep
from jaxfr.training import run_key, simulate
from jaxfr.uploads import Uploads, item_sums, item_table, row_counts, uploads_of
from jaxfr.uploads.clients import map_rows, scale_rows, sum_by_client, trust_clients
from jaxfr.uploads.norms import row_norm, row_norms

__all__ = [
    "Dataset",
    "Experiment",
    "InvalidInputError",
    "Knowledge",
    "LimitedAttack",
    "Metric",
    "Model",
    "Number",
    "OmniscientAttack",
    "Part",
    "Range",
    "Results",
    "RoundView",
    "Rule",
    "ServerKnowledge",
    "ServerView",
    "Stage",
    "Uploads",
    "WhiteBoxAttack",
    "Whole",
    "__version__",
    "aggregate",
    "aggregators",
    "attacks",
    "bpr_model",
    "chain",
    "classic_trimmed_mean",
    "clip_by_norm",
    "datasets",
    "exposure",
    "hit_ratio",
    "in_ranking",
    "item_sums",
    "item_table",
    "krum",
    "load_dataset",
    "map_rows",
    "mean",
    "mean_over_users",
    "median",
    "models",
    "ndcg",
    "norm",
    "optimizers",
    "part",
    "percentile",
    "row_counts",
    "row_norm",
    "row_norms",
    "row_wise",
    "run_key",
    "same_rows",
    "scale_rows",
    "simulate",
    "stateless_rule",
    "stateless_stage",
    "sum_by_client",
    "sweep",
    "synthetic_dataset",
    "trimmed_mean",
    "trust_clients",
    "uploads_of",
]
