"""jaxfr: Byzantine attacks on federated recommendation, simulated in JAX.

>>> import jaxfr as fr
>>> data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
>>> experiment = fr.Experiment(
...     attack=fr.attacks.spattack_l_d(noise_scale=2.0),
...     aggregator=fr.chain(fr.clip_by_norm(1.0), fr.mean()),
...     malicious_ratio=0.05,
...     num_candidates=9,
... )
>>> (record,) = fr.sweep([experiment], data, rounds=2)
>>> record["attack"], record["aggregator"], record["noise_scale"]
('spattack_l_d', 'clip_by_norm+mean', 2.0)

The main job: ``load_dataset`` or ``synthetic_dataset``, an ``Experiment``, and
``sweep`` (records of many runs) or ``simulate`` (one run as a pure function). What it
is made of is in ``fr.attacks``, ``fr.aggregators``, ``fr.models``, ``fr.optimizers``;
rules, stages and metrics (``hit_ratio``, ``ndcg``, ``percentile``, ``exposure``) are
here, too. A part of one's own is a function under ``part``, which makes a
``LimitedAttack``, a ``Rule``, a ``Stage``, a ``Model`` or a ``Metric``;
``aggregate(rule, uploads_of(rows))`` tries a rule.
"""

from jaxfr.stopping import end_at_once_while_loading

end_at_once_while_loading()

from jaxfr import aggregators, attacks, models, optimizers
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
from jaxfr.records.results import Results
from jaxfr.sweeps.sweep import sweep
from jaxfr.training import run_key, simulate
from jaxfr.uploads import Uploads, item_sums, item_table, row_counts, uploads_of
from jaxfr.uploads.clients import (
    map_rows,
    row_norm,
    scale_rows,
    sum_by_client,
    trust_clients,
)

__version__ = "0.1.0"

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


def __dir__() -> list[str]:
    return __all__
