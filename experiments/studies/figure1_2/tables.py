"""The tables of Figures 1 and 2."""

import math
from collections.abc import Sequence

import numpy as np

from experiments.studies.figure1_2.falling_items import Fallen, Laws
from experiments.studies.figure1_2.sparse_aggregation import (
    Outcome,
    bracket_names,
    by_bracket,
    left_when_dense,
)
from experiments.studies.section import Table
from jaxfr.theory.power_law import PowerLawFit

NOTHING = "–"

# A round's number, and its outcomes.
RoundOutcomes = tuple[int, Sequence[Outcome]]


def broken_table(
    heading: str, by_round: Sequence[RoundOutcomes], degree: np.ndarray
) -> Table:
    """Shares of items that noise carries off, by degree."""
    return Table(
        f"{heading}: items that the noise of Spattack-L-D carries out of the range of "
        "their benign rows, in percent, by item degree.",
        ("round", "rule", "aggregation", *bracket_names(), "all"),
        tuple(
            (
                *(str(number), outcome.rule.aggregator, outcome.rule.aggregation),
                *map(
                    _percent,
                    by_bracket(outcome.broken.astype(float), degree, share=True),
                ),
                _percent(100 * float(np.mean(outcome.broken))),
            )
            for number, outcomes in by_round
            for outcome in outcomes
        ),
    )


def moves_table(heading: str, outcomes: Sequence[Outcome], degree: np.ndarray) -> Table:
    """How far malicious rows move the aggregate, by degree."""
    return Table(
        f"{heading}: how far malicious rows move the aggregate, as a multiple of the "
        "length of the benign rows' mean, by item degree; median of the items, under "
        "Spattack-L-D / Spattack-O-D.",
        ("rule", "aggregation", *bracket_names()),
        tuple(
            (
                *outcome.rule,
                *(
                    f"{_multiple(noise)} / {_multiple(opposite)}"
                    for noise, opposite in zip(
                        by_bracket(outcome.noise_moves, degree, share=False),
                        by_bracket(outcome.opposite_moves, degree, share=False),
                        strict=True,
                    )
                ),
            )
            for outcome in outcomes
        ),
    )


def left_table(
    name: str, by_round: Sequence[RoundOutcomes], degree: np.ndarray
) -> Table:
    """What dense aggregation leaves of the clean update, by degree."""
    rows = []
    for number, outcomes in by_round:
        for rule in dict.fromkeys(outcome.rule.aggregator for outcome in outcomes):
            left = by_bracket(left_when_dense(outcomes, rule), degree, share=False)
            rows.append((str(number), rule, *map(_percent, 100 * left)))
    return Table(
        f"{name}, no attack: length of the dense aggregate, in percent of the sparse "
        "one's, by item degree; median of the items.",
        ("round", "rule", *bracket_names()),
        tuple(rows),
    )


def fallen_table(heading: str, fallen: Sequence[Fallen]) -> Table:
    """Which items fall at which malicious share."""
    return Table(
        f"{heading}: items that fall under the median, in percent of all items. The "
        "closed form in brackets: of the items that the fitted law describes, as the "
        "paper writes it.",
        (
            "malicious share",
            "malicious rows of an item",
            "Proposition 2, fitted law",
            "the same, discrete law",
            "Proposition 2, law of all items",
            "counted on interactions",
            "counted on uploaded rows",
            "simulated, Spattack-L-D",
        ),
        tuple(
            (
                f"{100 * found.malicious_ratio:g} %",
                f"{found.malicious_clients:,}",
                _with_described(found),
                *(
                    _percent(100 * share)
                    for share in (
                        *(found.discrete, found.whole_law, found.by_degree),
                        *(found.by_rows, found.simulated),
                    )
                ),
            )
            for found in fallen
        ),
    )


def law_table(name: str, laws: Laws) -> Table:
    """The fitted power laws."""

    def row(label: str, law: PowerLawFit, share: float) -> tuple[str, ...]:
        return (
            label,
            f"{law.exponent:.3f} ± {law.standard_error:.3f}",
            str(law.minimum_degree),
            f"{law.num_tail_items:,} ({100 * share:.1f} %)",
            f"{law.ks_distance:.3f}",
        )

    return Table(
        f"{name}: power laws of the items' degrees; exponent with its standard error. "
        "Distance: the largest between the law's and the items' distribution.",
        ("law", "exponent β", "from degree", "items described", "distance"),
        (
            row("fitted", laws.fitted, laws.tail_share),
            row("of all items", laws.whole, laws.whole_share),
        ),
    )


def _with_described(found: Fallen) -> str:
    if math.isnan(found.closed_form):
        return NOTHING
    return f"{100 * found.closed_form:.1f} ({100 * found.of_described:.1f})"


def _percent(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.1f}"


def _multiple(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.2f}"
