"""Runs so small that whole sweeps of them take a moment."""

from typing import Any

from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.sweeps.request import RunRequest

SYNTHETIC = "synthetic:num_users=40:num_items=300:num_pairs=600"
SMALL = RunRequest(
    Experiment(model=fedmf(4), malicious_ratio=0.1, learning_rate=0.1),
    dataset=SYNTHETIC,
    rounds=6,
    eval_every=3,
)


def changed(**changes: Any) -> RunRequest:
    """Another run; parts may be texts, as in ``attack="lie:1.5"``."""
    return SMALL.replace(**changes)
