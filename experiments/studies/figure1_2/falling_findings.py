"""What Figure 2 and Proposition 2 state, held against the data and a round."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from experiments.studies.figure1_2.falling_items import Fallen, Laws
from experiments.studies.section import Finding
from jaxfr.data.statistics import TAIL_DEGREE

STEAM = "Steam"

# What the paper says of it: percent of items in the tail, and n~ at 5 %.
PAPER_TAIL_PERCENT = 97
PAPER_RATIO, PAPER_MALICIOUS = 0.05, 197

# Shares of items, from 0 to 1, that count as the same: of a law and the items that it
# was fitted to, of two ways to count in one round; percent of the tail.
LAW_TOLERANCE, ROUND_TOLERANCE, TAIL_TOLERANCE = 0.02, 0.005, 2.0
_POINTS = f"{100 * LAW_TOLERANCE:g}"


def falling_findings(
    name: str, degree: np.ndarray, laws: Laws | None, fallen: Sequence[Fallen]
) -> list[Finding]:
    """The statements of Figure 2 and Proposition 2.

    Args:
        name: the data set.
        degree: interactions of each item, int ``[m]``.
        laws: its power laws.
        fallen: what fell, by malicious share.
    """
    found = [*_of_steam(degree, fallen)] if name == STEAM else []
    return [
        *found,
        _formula_of_all(name, laws, fallen),
        _formula_of_described(name, laws, fallen),
        _round_agrees(name, fallen),
        _at_least(name, laws, fallen),
    ]


def _of_steam(degree: np.ndarray, fallen: Sequence[Fallen]) -> list[Finding]:
    tail = 100 * float(np.mean(degree < TAIL_DEGREE))
    malicious = [
        f.malicious_clients for f in fallen if f.malicious_ratio == PAPER_RATIO
    ]
    return [
        Finding(
            f"{STEAM}: {PAPER_TAIL_PERCENT} % of the items have fewer than "
            f"{TAIL_DEGREE} interactions (within {TAIL_TOLERANCE:g} points)",
            abs(tail - PAPER_TAIL_PERCENT) <= TAIL_TOLERANCE,
            f"{tail:.1f} %",
        ),
        Finding(
            f"{STEAM}: with {100 * PAPER_RATIO:g} % malicious clients an item receives "
            f"at most {PAPER_MALICIOUS} malicious rows",
            malicious == [PAPER_MALICIOUS] if malicious else None,
            ", ".join(map(str, malicious)) or "that share was not looked at",
        ),
    ]


def _formula_of_all(name: str, laws: Laws | None, fallen: Sequence[Fallen]) -> Finding:
    """The formula with what it leaves out counted: easier to meet than the next."""
    statement = (
        f"{name}: Proposition 2's formula, with a fitted law, is the share of all "
        f"items whose interactions are too few (within {_POINTS} points)"
    )
    said = _said(fallen)
    if not said:
        return Finding(statement, None, _silence(laws))
    return Finding(
        statement,
        _where_said(fallen, lambda f: abs(f.closed_form - f.by_degree)),
        _pairs("formula", "counted", said, lambda f: (f.closed_form, f.by_degree))
        + "; of items below the law's least degree all count as fallen",
    )


def _formula_of_described(
    name: str, laws: Laws | None, fallen: Sequence[Fallen]
) -> Finding:
    """The formula alone, on the items that the law was fitted to."""
    statement = (
        f"{name}: the degrees of the items that the fitted law describes follow it: "
        f"Proposition 2's formula is the share of them that is counted (within "
        f"{_POINTS} points)"
    )
    said = _said(fallen)
    if not said:
        return Finding(statement, None, _silence(laws))
    return Finding(
        statement,
        _where_said(fallen, lambda f: abs(f.of_described - f.described_by_degree)),
        _pairs(
            "formula",
            "counted",
            said,
            lambda f: (f.of_described, f.described_by_degree),
        ),
    )


def _round_agrees(name: str, fallen: Sequence[Fallen]) -> Finding:
    return Finding(
        f"{name}: in a simulated round under the median exactly those items fall of "
        "whose rows at least half are malicious (within "
        f"{100 * ROUND_TOLERANCE:g} points)",
        all(abs(f.by_rows - f.simulated) <= ROUND_TOLERANCE for f in fallen),
        _pairs("counted", "simulated", fallen, lambda f: (f.by_rows, f.simulated)),
    )


def _at_least(name: str, laws: Laws | None, fallen: Sequence[Fallen]) -> Finding:
    """The Proposition's "at least", against what fell."""
    statement = (
        f"{name}: at least the share of items that Proposition 2 gives is broken "
        f"(within {_POINTS} points, fitted law)"
    )
    said = _said(fallen)
    if not said:
        counted = _pairs(
            "counted", "simulated", fallen, lambda f: (f.by_degree, f.simulated)
        )
        return Finding(
            statement, None, f"{_silence(laws)}; by interactions alone, {counted}"
        )
    return Finding(
        statement,
        _where_said(fallen, lambda f: f.closed_form - f.simulated),
        _pairs("formula", "simulated", said, lambda f: (f.closed_form, f.simulated))
        + "; negatives bring every item further benign rows",
    )


def _said(fallen: Sequence[Fallen]) -> list[Fallen]:
    """Where the fitted law says anything."""
    return [found for found in fallen if not math.isnan(found.closed_form)]


def _where_said(
    fallen: Sequence[Fallen], excess: Callable[[Fallen], float]
) -> bool | None:
    """Whether no share is exceeded by more than the tolerance.

    A single one that is answers it; that none is takes a law that says something at
    every malicious share.
    """
    said = _said(fallen)
    if any(excess(found) > LAW_TOLERANCE for found in said):
        return False
    return True if len(said) == len(fallen) else None


def _silence(laws: Laws | None) -> str:
    if laws is None:
        return "there are too few items to fit a law to"
    return (
        f"the fitted law says nothing of degrees below {laws.fitted.minimum_degree}, "
        f"and describes {laws.fitted.num_tail_items} items"
    )


def _pairs(
    first: str,
    second: str,
    fallen: Sequence[Fallen],
    values: Callable[[Fallen], tuple[float, float]],
) -> str:
    """Two shares by malicious share, as ``1 %: 86.9 / 73.9``."""
    parts = []
    for found in fallen:
        one, other = values(found)
        parts.append(
            f"{100 * found.malicious_ratio:g} %: {100 * one:.1f} / {100 * other:.1f}"
        )
    return f"{first} / {second} in percent, by malicious share: {', '.join(parts)}"
