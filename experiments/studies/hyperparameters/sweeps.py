"""What the study of hyperparameters varies."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.attacks import CLEAN
from jaxfr.records.record import Record
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import read_part


class Sweep(NamedTuple):
    """One option of the attack or the model, and the attacks under which it is varied.

    Attributes:
        option: its name.
        label: what it is, for a table or an axis.
        values: its values, upwards; 0 last where it stands for a default.
        attacks: the attacks, ``none`` for the clean run.
    """

    option: str
    label: str
    values: tuple[float, ...]
    attacks: tuple[str, ...]


class Point(NamedTuple):
    """An attack with one option changed."""

    option: str
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
        Point(sweep.option, value, attack)
        for attack in sweep.attacks
        for value in sweep.values
    ]


def usual_value(sweep: Sweep) -> float:
    """The default of the option, which is the paper's."""
    attack, model = (
        read_part("attack", sweep.attacks[-1]),
        RunRequest().experiment.model,
    )
    return (attack.options | model.options)[sweep.option]


def changes(point: Point) -> dict[str, str]:
    """The attack, and the model, of a point."""
    option = f"{point.option}={point.value:g}"
    if point.option in RunRequest().experiment.model.options:
        return {"model": f"fedmf:{option}", "attack": point.attack}
    return {"model": "fedmf", "attack": f"{point.attack}:{option}"}


def place_of(records: Sequence[Record], option: str) -> float:
    """The value of an option in some runs; of a default, what it came to."""
    used = f"{option}_used"
    return statistics.fmean(
        record[used] if used in record else record[option] for record in records
    )
