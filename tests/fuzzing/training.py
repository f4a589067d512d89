"""Small runs of any combination of options, with numbers up to their ends."""

import json
import math
import pathlib
import random
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxfr.evaluation.names import find_metric
from jaxfr.store import open_store
from jaxfr.sweeps.execution import ExecutionOptions
from jaxfr.sweeps.plan import plan_runs
from jaxfr.sweeps.work import run_plan
from tests.fuzzing.judging import WrongOutcomeError
from tests.fuzzing.part_texts import PART_TEXTS, is_meant, wanted_fields
from tests.fuzzing.readers import what_reads
from tests.sweeps.problem import changed

_SIZE = "synthetic:num_users=20:num_items=60:num_pairs=120"
_USUAL: Mapping[str, tuple[Any, ...]] = {
    **PART_TEXTS,
    "negatives": ("fixed", "resample"),
    "participation": (1.0, 0.5, 0.05, 1e-6),
    "malicious_ratio": (0.1, 0.4, 0.05, 0.0),
    "attack_start": (0, 1, 2, 3, 2**31 - 1),
    "aggregation": ("sparse", "dense"),
    "expected_byzantine": (-1, 0, 1, 50, 2**31 - 1),
    "ranking": ("sampled", "full"),
    "num_candidates": (1, 5, 20, 45),
    "metrics": ("hr@5", "percentile,er@3", "full_hr@10,within_third_ndcg@5"),
    "targets": ("cold:1", "popular:1", "items:3,7"),
    "learning_rate": (0.1, 0.0, 1e6, 3e38, 1e-30),
    "regularization": (0.1, 0.0, 1e6, 3e38),
    "pseudo_items": (0, 1, 10),
    "privacy_clip": (None, 0.1, 1e30, 1e-30),
    "privacy_noise": (0.0, 0.1, 1e30),
    "repeated_negatives": ("merged", "reference"),
    "seed": (0, 1, 2**31, 2**32, 2**63 - 1),
    "eval_every": (0, 1, 2, 2**31 - 1),
    "rounds": (1, 2, 3),
}


def attempt(source: random.Random, folder: pathlib.Path) -> None:
    """Trains with a few options changed, and looks at the record."""
    chosen = source.sample(list(_USUAL), source.randint(1, 6))
    changes = {name: source.choice(_USUAL[name]) for name in chosen}
    beside = {"rounds": 3, "dataset": _SIZE, "num_candidates": 10}
    if source.random() < 0.8:
        beside |= what_reads(chosen)
    if changes.get("ranking") == "full":
        del beside["num_candidates"]
    wanted = changed(**beside | changes)
    plan = plan_runs([wanted])
    jax.clear_caches()  # so that long use of a process needs no more memory
    with open_store(pathlib.Path("store")) as store:
        for _ in run_plan(plan, store, ExecutionOptions(devices=1)):
            pass
        (record,) = store.records()
    json.dumps(record, allow_nan=False)
    for name, value in changes.items():
        if name == "expected_byzantine":
            continue
        is_part = name in PART_TEXTS
        fields = wanted_fields(name, value) if is_part else {name: value}
        for key, one in fields.items():
            if not (is_meant(one, record[key]) if is_part else record[key] == one):
                raise WrongOutcomeError(f"{key}={one} is recorded as {record[key]}")
    if not wanted.experiment.is_clean and record["malicious_clients"] == 0:
        raise WrongOutcomeError(f"an attack with nobody: {changes}")
    for name, value in record.items():
        if find_metric(name) is not None and not _is_share(value):
            raise WrongOutcomeError(f"{name} is {value}")
    if record["curve"][-1]["round"] != wanted.rounds:
        raise WrongOutcomeError(
            f"the curve ends with round {record['curve'][-1]['round']}"
        )


def _is_share(value: Any) -> bool:
    if value is None:
        return True
    return (
        not isinstance(value, np.generic) and math.isfinite(value) and 0 <= value <= 1
    )
