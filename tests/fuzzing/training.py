"""Small runs of any combination of settings, with numbers up to their ends."""

import json
import math
import pathlib
import random
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxfr.aggregators import AGGREGATORS
from jaxfr.attacks import ATTACKS, CLEAN
from jaxfr.evaluation.metrics import find_metric
from jaxfr.models import MODELS
from jaxfr.store import open_store
from jaxfr.sweeps.execution import RunOptions
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.run import run_plan
from jaxfr.training.settings import OPTIMIZERS
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.readers import what_reads
from tests.sweeps.problem import changed

_SIZE = "num_users=20,num_items=60,num_pairs=120"
_USUAL: Mapping[str, tuple[Any, ...]] = {
    "model": tuple(MODELS),
    "embedding_dim": (1, 2, 3, 8),
    "negatives": ("fixed", "resample"),
    "participation": (1.0, 0.5, 0.05, 1e-6),
    "client_optimizer": tuple(OPTIMIZERS),
    "server_optimizer": tuple(OPTIMIZERS),
    "attack": tuple(ATTACKS),
    "malicious_ratio": (0.1, 0.4, 0.05, 0.0),
    "scope": ("dense", "sparse"),
    "lie_z": (None, 0.0, 1.5, -1.0, 1e30),
    "attack_start": (0, 1, 2, 3, 2**31 - 1),
    "noise_scale": (1.0, 0.0, 1e30, 1e-30),
    "max_poisoned_items": (0, 1, 60, 61, 2**31 - 1),
    "aggregator": tuple(AGGREGATORS),
    "aggregation": ("sparse", "dense"),
    "expected_byzantine": (-1, 0, 1, 50, 2**31 - 1),
    "clip_norm": (None, 1.0, 1e-30, 1e30),
    "trim_form": ("paper", "classic"),
    "trim_share": (None, 0.0, 0.1, 0.499),
    "krum_distance": ("squared", "plain"),
    "ranking": ("sampled", "full"),
    "num_candidates": (1, 5, 20, 45),
    "metrics": ("hr@5", "percentile,er@3", "full_hr@10,within_third_ndcg@5"),
    "targets": ("cold:1", "popular:1", "items:3,7"),
    "learning_rate": (0.1, 0.0, 1e6, 3e38, 1e-30),
    "regularization": (0.1, 0.0, 1e6, 3e38),
    "neighbours_per_item": (0, 1, 3),
    "pseudo_items": (0, 1, 10),
    "privacy_clip": (None, 0.1, 1e30, 1e-30),
    "privacy_noise": (0.0, 0.1, 1e30),
    "repeated_negatives": ("merged", "reference"),
    "seed": (0, 1, 2**31, 2**32, 2**63 - 1),
    "eval_every": (0, 1, 2, 2**31 - 1),
    "rounds": (1, 2, 3),
}


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """Trains with a few settings changed, and looks at the record."""
    chosen = source.sample(list(_USUAL), source.randint(1, 6))
    changes = {name: source.choice(_USUAL[name]) for name in chosen}
    beside = {"rounds": 3, "synthetic": _SIZE, "num_candidates": 10}
    if source.random() < 0.8:
        beside |= what_reads(chosen)
    if changes.get("ranking") == "full":
        del beside["num_candidates"]
    settings = changed(**beside | changes)
    plan = plan_runs([settings])
    jax.clear_caches()  # so that long use of a process needs no more memory
    with open_store(pathlib.Path("store")) as store:
        for _ in run_plan(plan, store, RunOptions(devices=1)):
            pass
        (record,) = store.records()
    json.dumps(record, allow_nan=False)
    for name, value in changes.items():
        if name in ("expected_byzantine", "clip_norm"):
            continue
        if record[name] != value:
            raise WrongOutcomeError(f"{name}={value} is recorded as {record[name]}")
    if settings.attack != CLEAN and record["malicious_clients"] == 0:
        raise WrongOutcomeError(f"an attack with nobody: {changes}")
    for name, value in record.items():
        if find_metric(name) is not None and not _is_share(value):
            raise WrongOutcomeError(f"{name} is {value}")
    if record["curve"][-1]["round"] != settings.rounds:
        raise WrongOutcomeError(
            f"the curve ends with round {record['curve'][-1]['round']}"
        )


def _is_share(value: Any) -> bool:
    if value is None:
        return True
    return (
        not isinstance(value, np.generic) and math.isfinite(value) and 0 <= value <= 1
    )
