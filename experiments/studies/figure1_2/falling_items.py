"""Figure 2: which items fall, by Proposition 2, by counting, and in a round."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.studies.figure1_2.one_round import Moment, Rule, aggregate
from experiments.studies.figure1_2.sparse_aggregation import (
    NOISE,
    benign_rows,
    carried_off,
)
from jaxfr.attacks import malicious_client_count
from jaxfr.errors import InvalidInputError
from jaxfr.sweeps.request import RunRequest
from jaxfr.theory.breakdown import (
    breakdown_degree,
    broken_share_counted,
    broken_share_discrete_power_law,
    broken_share_power_law,
)
from jaxfr.theory.power_law import PowerLawFit, fit_power_law

# The median's breakdown point alpha.
BREAKDOWN_POINT = 0.5
SHARES = (0.01, 0.03, 0.05, 0.10, 0.15)


class Laws(NamedTuple):
    """Power laws of a data set's item degrees.

    Attributes:
        fitted: exponent and minimum fitted.
        whole: exponent fitted to all items with an interaction, the minimum being 1.
        tail_share: share of all items that ``fitted`` describes.
        whole_share: likewise of ``whole``.
    """

    fitted: PowerLawFit
    whole: PowerLawFit
    tail_share: float
    whole_share: float


class Fallen(NamedTuple):
    """Shares of items that fall under the median, from 0 to 1.

    Attributes:
        malicious_ratio: malicious share of all clients.
        malicious_clients: n~, each poisoning every item.
        of_described: Proposition 2's closed form, share of the items that the fitted
            law describes; 0 where the law says nothing.
        closed_form: the same law, share of all items; nan where it says nothing.
        discrete: the discrete law, share of all items; nan likewise.
        whole_law: closed form of the law of all items, share of all items.
        described_by_degree: counted on the interactions of the items that the fitted
            law describes, share of these; nan without a law.
        by_degree: counted on the data's interactions.
        by_rows: counted on the rows that benign clients upload for each item.
        simulated: items that Spattack-L-D's noise carried off in a round.
    """

    malicious_ratio: float
    malicious_clients: int
    of_described: float
    closed_form: float
    discrete: float
    whole_law: float
    described_by_degree: float
    by_degree: float
    by_rows: float
    simulated: float


def fit_laws(degree: np.ndarray) -> Laws | None:
    """Fits both laws; None where there are too few items to fit anything to.

    Args:
        degree: interactions of each item, int ``[m]``.
    """
    try:
        fitted, whole = fit_power_law(degree), fit_power_law(degree, minimum_degree=1)
    except InvalidInputError:
        return None
    items = len(degree)
    return Laws(
        fitted, whole, fitted.num_tail_items / items, whole.num_tail_items / items
    )


def count_fallen(
    base: RunRequest,
    moment: Moment,
    degree: np.ndarray,
    laws: Laws | None,
    shares: Sequence[float] = SHARES,
) -> list[Fallen]:
    """Finds the share of fallen items at each malicious share, in every way.

    Args:
        base: numbers of the attack.
        moment: the round that is attacked.
        degree: interactions of each item, int ``[m]``.
        laws: the data's power laws.
        shares: malicious shares of all clients.
    """
    rows = benign_rows(moment)
    found = []
    for share in shares:
        malicious = malicious_client_count(moment.layout.num_clients, share)
        attacked = aggregate(base, moment, Rule("median", "sparse"), NOISE, malicious)
        carried = carried_off(np.asarray(attacked), rows, dense=False)
        found.append(
            Fallen(
                share,
                malicious,
                *_by_law(laws, malicious),
                _described_by_degree(laws, degree, malicious),
                broken_share_counted(degree, malicious, BREAKDOWN_POINT),
                broken_share_counted(rows.received, malicious, BREAKDOWN_POINT),
                float(np.mean(carried)) if malicious else 0.0,
            )
        )
    return found


def _described_by_degree(
    laws: Laws | None, degree: np.ndarray, malicious: int
) -> float:
    if laws is None:
        return float("nan")
    described = degree[degree >= laws.fitted.minimum_degree]
    return broken_share_counted(described, malicious, BREAKDOWN_POINT)


def _by_law(laws: Laws | None, malicious: int) -> tuple[float, float, float, float]:
    """``of_described``, ``closed_form``, ``discrete`` and ``whole_law``."""
    nothing = float("nan")
    if laws is None:
        return nothing, nothing, nothing, nothing
    fitted, whole = laws.fitted, laws.whole
    law = fitted.exponent, fitted.minimum_degree, malicious, BREAKDOWN_POINT
    whole_law = nothing
    if breakdown_degree(malicious, BREAKDOWN_POINT) >= 1:
        whole_law = broken_share_power_law(
            *(whole.exponent, 1, malicious, BREAKDOWN_POINT, laws.whole_share)
        )
    if breakdown_degree(malicious, BREAKDOWN_POINT) < fitted.minimum_degree:
        return 0.0, nothing, nothing, whole_law
    return (
        broken_share_power_law(*law),
        broken_share_power_law(*law, tail_share=laws.tail_share),
        broken_share_discrete_power_law(*law, tail_share=laws.tail_share),
        whole_law,
    )
