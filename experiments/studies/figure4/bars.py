"""The bars of Figure 4."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.studies.names import aggregator_title
from jaxfr.attacks import CLEAN
from jaxfr.records.record import Record

MALICIOUS_RATIO = 0.10
AGGREGATORS = ("mean", "median")
SPATTACKS = ("spattack_l_s", "spattack_l_d", "spattack_o_s", "spattack_o_d")
ATTACKS = (CLEAN, *SPATTACKS)

_WORDS: Mapping[str, str] = {"mean": "no defense", "median": "defense"}


class Bar(NamedTuple):
    """A bar of the figure."""

    model: str
    aggregator: str
    attack: str


# The runs of one data set.
Runs = Mapping[Bar, Sequence[Record]]


def spattacks_in(runs: Runs) -> tuple[str, ...]:
    """The Spattacks that there are runs of, in the order of the figure."""
    present = {bar.attack for bar in runs}
    return tuple(attack for attack in SPATTACKS if attack in present)


def defense_title(aggregator: str) -> str:
    """The paper's words for an aggregator here, with its name."""
    return f"{_WORDS[aggregator]} ({aggregator_title(aggregator).lower()})"
