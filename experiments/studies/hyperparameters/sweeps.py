"""What the study of hyperparameters varies."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.records.results import Record
from jaxfr.sweeps.settings import Settings


class Sweep(NamedTuple):
    """One setting, and the attacks under which it is varied.

    Attributes:
        setting: its name.
        label: what it is, for a table or an axis.
        values: its values, upwards; 0 last where it stands for a default.
        attacks: the attacks, ``none`` for the clean run.
    """

    setting: str
    label: str
    values: tuple[float, ...]
    attacks: tuple[str, ...]


class Point(NamedTuple):
    """An attack with one setting changed."""

    setting: str
    value: float
    attack: str


# The runs of one data set.
Runs = Mapping[Point, Sequence[Record]]

POISONED_ITEMS = Sweep(
    "max_poisoned_items",
    "poisoned items per client",
    (50, 100, 250, 500, 1000, 0),
    ("spattack_o_s", "spattack_l_s"),
)
EMBEDDING_DIM = Sweep(
    "embedding_dim",
    "embedding size",
    (8, 16, 32, 64, 128),
    (CLEAN, "spattack_o_d", "spattack_l_d"),
)
NOISE_SCALE = Sweep(
    "noise_scale",
    "standard deviation of the noise",
    (0.01, 0.1, 0.5, 1.0, 2.0, 5.0),
    ("spattack_l_d", "spattack_l_s"),
)
SWEEPS = (POISONED_ITEMS, EMBEDDING_DIM, NOISE_SCALE)


def points(sweep: Sweep) -> list[Point]:
    """All points of a sweep, attack by attack."""
    return [
        Point(sweep.setting, value, attack)
        for attack in sweep.attacks
        for value in sweep.values
    ]


def usual_value(sweep: Sweep) -> float:
    """The default of the setting, which is the paper's."""
    return getattr(Settings(), sweep.setting)


def place_of(records: Sequence[Record], setting: str) -> float:
    """The value of a setting in some runs; of a default, what it came to."""
    used = f"{setting}_used"
    return statistics.fmean(
        record[used] if used in record else record[setting] for record in records
    )
