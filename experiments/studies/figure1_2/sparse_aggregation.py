"""Figure 1: the same uploads under sparse and under dense aggregation."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from experiments.studies.figure1_2.one_round import Moment, Rule, aggregate
from jaxfr.attacks import CLEAN
from jaxfr.data.statistics import TAIL_DEGREE
from jaxfr.sweeps.request import RunRequest
from jaxfr.theory.breakdown import broken_items
from jaxfr.uploads import item_extremes, item_statistics, row_counts

# In the order of the paper's figure.
FORMS = ("dense", "sparse")
NOISE, OPPOSITE = "spattack_l_d", "spattack_o_d"

# Where brackets of item degree begin; the last one is the paper's head.
BRACKETS = (0, 10, 30, 100, TAIL_DEGREE)

# Rounding errors beside the range of the benign rows.
_TOLERANCE = 1e-6


class BenignRows(NamedTuple):
    """What an item's benign rows are like.

    Attributes:
        received: how many there are, int ``[m]``.
        mean: their mean, float64 ``[m, d]``.
        lower: their minimum, +inf for an item without, float32 ``[m, d]``.
        upper: their maximum, -inf for an item without, float32 ``[m, d]``.
    """

    received: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class Outcome(NamedTuple):
    """What a rule makes of each item's rows; nan for an item without benign rows.

    Attributes:
        rule: the rule.
        broken: whether the noise rows of Spattack-L-D carry the aggregate out of the
            range of the benign rows, bool ``[m]``.
        noise_moves: how far they move it, as a multiple of the length of the benign
            rows' mean, float ``[m]``.
        opposite_moves: the same for the rows of Spattack-O-D.
        clean_length: without any attack, the aggregate's own length, in the same
            measure, float ``[m]``.
    """

    rule: Rule
    broken: np.ndarray
    noise_moves: np.ndarray
    opposite_moves: np.ndarray
    clean_length: np.ndarray


def benign_rows(moment: Moment) -> BenignRows:
    """Describes the benign rows of a round, item by item."""
    extremes = item_extremes(moment.benign, absent_as_zeros=False)
    received = np.asarray(row_counts(moment.benign))
    there = (received > 0)[:, None]
    return BenignRows(
        received,
        np.asarray(item_statistics(moment.benign, False).mean, np.float64),
        np.where(there, extremes.minimum, np.inf),
        np.where(there, extremes.maximum, -np.inf),
    )


def carried_off(aggregated: np.ndarray, rows: BenignRows, dense: bool) -> np.ndarray:
    """Says which items' aggregates lie outside the range of their benign rows.

    Args:
        aggregated: of a round in which malicious rows came to every item, ``[m, d]``.
        rows: the benign rows.
        dense: whether zeros of absent benign clients are among those rows.

    Returns:
        bool ``[m]``.
    """
    lower, upper = rows.lower, rows.upper
    if dense:
        lower, upper = np.minimum(lower, 0.0), np.maximum(upper, 0.0)
    everywhere = jnp.ones(len(aggregated), bool)
    return np.asarray(
        broken_items(
            *(jnp.asarray(aggregated), jnp.asarray(lower), jnp.asarray(upper)),
            everywhere,
            _TOLERANCE,
        )
    )


def compare(
    base: RunRequest, moment: Moment, aggregators: Sequence[str], malicious_clients: int
) -> list[Outcome]:
    """Aggregates one round's uploads by every rule in its sparse and its dense form.

    Args:
        base: numbers of the attacks and the rules.
        moment: the round.
        aggregators: names of ``AGGREGATORS``.
        malicious_clients: n~, each poisoning every item.

    Returns:
        The outcomes, rule by rule, the dense form before the sparse one.
    """
    rows = benign_rows(moment)
    found = []
    for name in aggregators:
        for form in FORMS:
            rule = Rule(name, form)
            clean, noise, opposite = (
                np.asarray(
                    aggregate(base, moment, rule, attack, malicious_clients), np.float64
                )
                for attack in (CLEAN, NOISE, OPPOSITE)
            )
            found.append(
                Outcome(
                    rule,
                    carried_off(noise, rows, dense=form == "dense"),
                    _relative_length(noise - clean, rows),
                    _relative_length(opposite - clean, rows),
                    _relative_length(clean, rows),
                )
            )
    return found


def left_when_dense(outcomes: Sequence[Outcome], aggregator: str) -> np.ndarray:
    """How much of an item's clean update its dense form leaves, of the sparse one.

    Args:
        outcomes: from ``compare``.
        aggregator: which rule.

    Returns:
        Quotient of the lengths, float ``[m]``; nan where the sparse form has none.
    """
    length = {outcome.rule: outcome.clean_length for outcome in outcomes}
    dense, sparse = (length[Rule(aggregator, form)] for form in FORMS)
    there = sparse > 0
    return np.where(there, dense / np.where(there, sparse, 1.0), np.nan)


def _relative_length(difference: np.ndarray, rows: BenignRows) -> np.ndarray:
    lengths = np.linalg.norm(rows.mean, axis=1)
    there = (rows.received > 0) & (lengths > 0)
    quotient = np.linalg.norm(difference, axis=1) / np.where(there, lengths, 1.0)
    return np.where(there, quotient, np.nan)


def bracket_of(degree: np.ndarray) -> np.ndarray:
    """The bracket of each item, an index into ``BRACKETS``, int ``[m]``."""
    return np.searchsorted(BRACKETS, degree, side="right") - 1


def bracket_names() -> tuple[str, ...]:
    """The brackets as text, such as ``10–29``."""
    inner = itertools.pairwise(BRACKETS)
    return (*(f"{low}–{high - 1}" for low, high in inner), f"{BRACKETS[-1]}+")


def by_bracket(values: np.ndarray, degree: np.ndarray, share: bool) -> np.ndarray:
    """Summarises items by bracket.

    Args:
        values: of each item, nan where it has none, ``[m]``.
        degree: of each item, int ``[m]``.
        share: whether to take the mean, in percent, rather than the median.

    Returns:
        float ``[brackets]``; nan for a bracket without items.
    """
    brackets = bracket_of(degree)
    found = []
    for bracket in range(len(BRACKETS)):
        chosen = values[brackets == bracket]
        chosen = chosen[~np.isnan(chosen)]
        if chosen.size == 0:
            found.append(np.nan)
        else:
            found.append(100 * np.mean(chosen) if share else np.median(chosen))
    return np.array(found)
