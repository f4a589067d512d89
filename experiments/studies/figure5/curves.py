"""The curves of Figure 5."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.studies.averages import HIT_RATIO
from jaxfr.attacks import CLEAN
from jaxfr.records.record import Record

ATTACKS = ("spattack_o_d", "spattack_l_d")


class Curve(NamedTuple):
    """An attack and its first round."""

    attack: str
    start: int


CLEAN_CURVE = Curve(CLEAN, 0)

# The runs of one data set.
Runs = Mapping[Curve, Sequence[Record]]


def value_after(records: Sequence[Record], rounds: int) -> float | None:
    """Mean HR@10 after so many rounds; None where there was no evaluation."""
    values = [
        point[HIT_RATIO]
        for record in records
        for point in record["curve"]
        if point["round"] == rounds and point[HIT_RATIO] is not None
    ]
    return statistics.fmean(values) if values else None
