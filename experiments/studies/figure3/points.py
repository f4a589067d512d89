"""The points of Figure 3."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxfr.records.record import Record

DEFENSES = ("mean", "median", "trimmed_mean", "krum", "norm")
SPATTACKS = ("spattack_o_s", "spattack_o_d", "spattack_l_s", "spattack_l_d")
# Rules that take the number of malicious rows to be the same for every item.
FIXED_NUMBER_ONLY = ("trimmed_mean", "krum")

_O_RATIOS = (0.01, 0.03, 0.05)
_L_RATIOS = (0.05, 0.10, 0.15)


class CleanPoint(NamedTuple):
    """The clean run under a defense that expects no malicious client."""

    defense: str


class Point(NamedTuple):
    """An attack under a defense."""

    defense: str
    attack: str
    malicious_ratio: float


# The runs of one data set.
Runs = Mapping[Point | CleanPoint, Sequence[Record]]


def points(
    defenses: Sequence[str], spattacks: Sequence[str]
) -> list[Point | CleanPoint]:
    """All points that are run: the clean ones, then those that the paper has."""
    attacked = [
        Point(defense, attack, ratio)
        for defense in defenses
        for attack in spattacks
        for ratio in ratios(attack)
    ]
    return [
        *map(CleanPoint, defenses),
        *(point for point in attacked if applies(point)),
    ]


def ratios(attack: str) -> tuple[float, ...]:
    """The malicious ratios at which an attack is shown."""
    return _O_RATIOS if is_omniscient(attack) else _L_RATIOS


def is_omniscient(attack: str) -> bool:
    """Whether an attack of ``SPATTACKS`` is Spattack-O."""
    return attack.startswith("spattack_o")


def applies(point: Point) -> bool:
    """Whether the paper applies the defense to the attack."""
    return point.attack.endswith("_d") or point.defense not in FIXED_NUMBER_ONLY


def spattacks_in(runs: Runs) -> tuple[str, ...]:
    """The attacks that were run, in the order of ``SPATTACKS``."""
    there = {point.attack for point in runs if isinstance(point, Point)}
    return tuple(attack for attack in SPATTACKS if attack in there)


def clean_runs(runs: Runs, defense: str) -> Sequence[Record]:
    """The clean runs under a defense."""
    return runs[CleanPoint(defense)]
