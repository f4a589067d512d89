"""A record with every field of a run's, and one that an earlier version wrote."""

import json
import pathlib
from typing import Any

from jaxfr.evaluation.candidates import GROUP_NAMES
from jaxfr.evaluation.names import metric_names
from jaxfr.sweeps.request import RunRequest, recorded_options


def older_record(**changes: Any) -> dict[str, Any]:
    """The record of a run of LIE, from when all had the options of all parts."""
    text = pathlib.Path(__file__).with_name("older_record.json").read_text()
    return json.loads(text) | changes


def whole_record(
    request: RunRequest = RunRequest(),  # noqa: B008 (immutable)
    **changes: Any,
) -> dict[str, Any]:
    """The record of a run; fields may be changed and added."""
    metrics = dict.fromkeys(metric_names(), 0.25)
    groups = {name: 0.25 for group in GROUP_NAMES for name in metric_names(group)} | {
        f"users_{group}": 300 for group in GROUP_NAMES
    }
    return {
        "run": "0123456789abcdef-aaaa0000",
        **recorded_options(request, request.experiment.with_data(1000)),
        "num_ranked": 100,
        "dataset_hash": "0123",
        "given_hash": None,
        "code_version": "aaaa0000",
        "num_devices": 2,
        "runs_at_once": 1,
        "room_for_malicious_clients": 0,
        "max_poisoned_items_used": 100,
        **metrics,
        **groups,
        "chance": {"hr@10": 0.125},
        "most_popular": {"hr@10": 0.1875, "hr@10_tail": None},
        "curve": [{"round": finished, **metrics} for finished in (0, 10)],
        "dropped_uploads": 0,
        "nonfinite_scores": 0,
        "versions": {"jax": "0.10.2"},
        "device": "cpu",
        "seconds": {"compile": 3.0, "train": 1.5, "evaluation": 0.5},
        "finished": "2026-11-24T13:00:00+00:00",
    } | changes
