"""A suite that is quickly run, and records of trials that none has run."""

import dataclasses
from typing import Any

from jaxfr.tournament import Suite, Trial

SUITE = Suite(
    name="small",
    dataset=("synthetic:num_users=40:num_items=200:num_pairs=300",),
    model=("fedmf",),
    attack=("spattack_o_d", "lie:lie_z=1.5"),
    malicious_ratio=(0.05, 0.1),
    seeds="0:2",
    rounds=4,
    learning_rate=0.02,
    eval_every=2,
    ranking="full",
    metrics="hr@10,er@10",
    targets="cold:2",
)
DATA = SUITE.dataset[0]


def fields(suite: Suite = SUITE) -> dict[str, Any]:
    """As a file has them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(suite).items()
        if value != ()
    }


def trial(
    aggregator: str = "mean",
    attack: str = "none",
    seed: int = 0,
    ratio: float = 0.05,
    declared: float | None = None,
) -> Trial:
    return Trial(DATA, "fedmf", aggregator, attack, ratio, declared, seed)


def record(value: float | None, **changes: Any) -> dict[str, Any]:
    """What judging reads of a record, with a curve that ends at the value."""
    curve = [
        {"round": number, "hr@10": part * (value or 0.0)}
        for number, part in ((0, 0.1), (5, 0.5), (10, 0.75), (20, 1.0))
    ]
    return {
        "hr@10": value,
        "er@10": value,
        "rounds": 20,
        "curve": curve,
        "chance": {"hr@10": 0.1, "er@10": 0.1},
        "seconds": {"train": 2.0},
        "dropped_uploads": 0,
        "nonfinite_scores": 0,
    } | changes
