"""Every rule as a plain loop over items, in NumPy float64."""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import jax
import numpy as np

from jaxfr.aggregators import (
    Rule,
    aggregate,
    arc,
    bucketing,
    centred_clipping,
    classic_trimmed_mean,
    clip_by_norm,
    dense,
    geometric_median,
    krum,
    mean,
    median,
    multi_krum,
    nearest_neighbour_mixing,
    norm,
    shrink,
    trimmed_mean,
)
from jaxfr.aggregators.base import chained
from jaxfr.uploads import Uploads

CLIP_NORM = 1.5
KAPPA = 2.5
run = jax.jit(aggregate, static_argnums=0)

Oracle = Callable[[np.ndarray, int, int], np.ndarray]
"""Rows ``[count, d]``, n~ and participants to right answers ``[answers, d]``."""


def loop_mean(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    return rows.sum(axis=0)[None] / len(rows)


def loop_median(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    ordered = np.sort(rows, axis=0)
    middle = len(rows) // 2
    if len(rows) % 2:
        return ordered[middle][None]
    return (ordered[middle - 1] + ordered[middle])[None] / 2


def loop_trimmed(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    middle = loop_median(rows, byzantine, participants)[0]
    if len(rows) <= byzantine:
        return middle[None]
    answer = np.empty_like(middle)
    for coordinate, values in enumerate(rows.T):
        # Rounded, so that what is equally far by definition is so in floating point.
        distance = np.round(np.abs(values - middle[coordinate]), 9)
        nearest_first = np.lexsort([values, distance])
        kept = values[nearest_first[: len(rows) - byzantine]]
        answer[coordinate] = kept.mean()
    return answer[None]


def loop_classic(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    share = Fraction(byzantine, max(participants, 1))
    trimmed = min(int(share * len(rows)), (len(rows) - 1) // 2)
    return np.sort(rows, axis=0)[trimmed : len(rows) - trimmed].mean(axis=0)[None]


def krum_scores(rows: np.ndarray, byzantine: int, power: int) -> np.ndarray:
    neighbours = len(rows) - byzantine - 2
    if neighbours < 1:
        neighbours = len(rows) - byzantine
    if neighbours < 1:
        neighbours = len(rows) - 1
    scores = np.empty(len(rows))
    for index, row in enumerate(rows):
        others = np.delete(rows, index, axis=0)
        # No root is taken to be squared again: exact ties are to stay so.
        distance = np.sum((others - row) ** 2, axis=1) ** (power / 2)
        scores[index] = np.sort(distance)[:neighbours].sum()
    return scores


def loop_krum(power: int) -> Oracle:
    """All rows whose score is the smallest but for rounding."""

    def rule(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        scores = krum_scores(rows, byzantine, power)
        return np.unique(rows[scores <= scores.min() * (1 + 1e-5)], axis=0)

    return rule


def loop_multi_krum(share: float | None = None) -> Oracle:
    def rule(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        wanted = len(rows) - byzantine if share is None else int(share * len(rows))
        taken = max(wanted, 1)
        # Rounded, so that what ties by definition does so in floating point.
        scores = np.round(krum_scores(rows, byzantine, 2), 9)
        last = np.sort(scores)[taken - 1]
        before, tied = rows[scores < last], rows[scores == last]
        of_tied = (taken - len(before)) * tied.mean(axis=0)
        return (before.sum(axis=0) + of_tied)[None] / taken

    return rule


def loop_shrink(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    return rows.sum(axis=0)[None] / (len(rows) + KAPPA)


def loop_geometric(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
    centre = rows.mean(axis=0)
    for _ in range(3):
        weights = 1 / np.maximum(0.1, np.linalg.norm(rows - centre, axis=1))
        centre = weights @ rows / weights.sum()
    return centre[None]


def loop_centred(
    anchor: np.ndarray | float = 0.0, of_all: bool = False, radius: float = CLIP_NORM
) -> Oracle:
    def rule(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        away = rows - anchor
        norms = np.linalg.norm(away, axis=1, keepdims=True)
        moved = (away * (radius / np.maximum(norms, radius))).sum(axis=0)
        return (anchor + moved / (participants if of_all else len(rows)))[None]

    return rule


def bucketed(rule: Oracle, size: int = 2) -> Oracle:
    """Of the first round."""

    def join_first(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        direction = jax.random.normal(jax.random.key(0), rows.shape[1:])
        ordered = rows[np.argsort(rows @ np.asarray(direction, float))]
        number = -(-len(rows) // size)
        buckets = [ordered[first::number].mean(axis=0) for first in range(number)]
        return rule(np.array(buckets), byzantine, participants)

    return join_first


def mixed(rule: Oracle, most_compared: int = 512) -> Oracle:
    """An item of 1,000 rows has more room than is compared, in all tests."""

    def mix_first(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        others, counts = rows, np.ones(len(rows))
        own = np.arange(len(rows))
        if len(rows) > 1000:
            edges = len(rows) * np.arange(most_compared + 1) // most_compared
            counts = np.diff(edges)
            middle = edges[:-1] + counts // 2
            others, own = rows[middle], np.full(len(rows), -1)
        kept = max(len(rows) - byzantine, 1)
        made = []
        for row, place in zip(rows, own, strict=True):
            squared = np.round(np.sum((others - row) ** 2, axis=1), 9)
            if place >= 0:
                squared[place] = 0
            order = np.argsort(squared)
            last = squared[order][np.searchsorted(np.cumsum(counts[order]), kept)]
            nearer, tied = squared < last, squared == last
            rest = kept - counts[nearer].sum()
            taken = counts * (nearer + tied * rest / counts[tied].sum())
            made.append(taken @ others / kept)
        return rule(np.array(made), byzantine, participants)

    return mix_first


def longest_clipped(rule: Oracle) -> Oracle:
    def clip_first(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        number = len(rows)
        byzantine_rows = min(byzantine, number // 2)
        longer = 2 * byzantine_rows * (number - byzantine_rows) // number
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        largest = np.sort(norms[:, 0])[number - longer - 1]
        factors = np.where(norms > largest, largest / np.maximum(norms, 1e-9), 1.0)
        return rule(rows * factors, byzantine, participants)

    return clip_first


def clipped(rule: Oracle, clip_norm: float = CLIP_NORM) -> Oracle:
    def clip_first(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        factors = clip_norm / np.maximum(norms, clip_norm)
        return rule(rows * factors, byzantine, participants)

    return clip_first


def in_dense_form(rule: Oracle) -> Oracle:
    def with_zeros(rows: np.ndarray, byzantine: int, participants: int) -> np.ndarray:
        absent = np.zeros((participants - len(rows), rows.shape[1]))
        return rule(np.vstack([rows, absent]), byzantine, participants)

    return with_zeros


CLIP = clip_by_norm(CLIP_NORM).make()
BASIC_RULES: dict[str, tuple[Rule, Oracle]] = {
    "mean": (mean().make(), loop_mean),
    "median": (median().make(), loop_median),
    "trimmed_mean": (trimmed_mean().make(), loop_trimmed),
    "classic_trimmed_mean": (classic_trimmed_mean().make(), loop_classic),
    "krum": (krum("squared").make(), loop_krum(2)),
    "plain_krum": (krum("plain").make(), loop_krum(1)),
    "multi_krum": (multi_krum().make(), loop_multi_krum()),
    "bucketed_median": (
        chained(bucketing().make(), median().make()),
        bucketed(loop_median),
    ),
    "mixed_median": (
        chained(nearest_neighbour_mixing().make(), median().make()),
        mixed(loop_median),
    ),
    "half_multi_krum": (multi_krum(0.5).make(), loop_multi_krum(0.5)),
}
CLIPPED_RULES: dict[str, tuple[Rule, Oracle]] = {
    f"clipped_{name}": (chained(CLIP, rule), clipped(oracle))
    for name, (rule, oracle) in BASIC_RULES.items()
}
DENSE_RULES: dict[str, tuple[Rule, Oracle]] = {
    f"dense_{name}": (dense(rule), in_dense_form(oracle))
    for name, (rule, oracle) in BASIC_RULES.items()
}
NORM: tuple[Rule, Oracle] = norm(CLIP_NORM).make(), clipped(loop_mean)
# The clip leaves the zeros of absent clients as they are.
DENSE_NORM = dense(NORM[0]), in_dense_form(NORM[1])
# They have a length or a place of their own, so do not follow rows that are moved.
FIXED_RULES: dict[str, tuple[Rule, Oracle]] = {
    "norm": NORM,
    "arc_mean": (chained(arc().make(), mean().make()), longest_clipped(loop_mean)),
    "shrink": (shrink(KAPPA).make(), loop_shrink),
    "geometric_median": (geometric_median().make(), loop_geometric),
    "centred_clipping": (centred_clipping(CLIP_NORM).make(), loop_centred()),
    "centred_clipping_all": (
        centred_clipping(CLIP_NORM, "all").make(),
        loop_centred(of_all=True),
    ),
}
PLAIN_RULES = BASIC_RULES | FIXED_RULES
# The clip and the dense form know nothing of the rule behind them: one of each stands
# for all.
ONE_CLIPPED = {"clipped_krum": CLIPPED_RULES["clipped_krum"]}
ONE_DENSE = {"dense_trimmed_mean": DENSE_RULES["dense_trimmed_mean"]}
RULES = PLAIN_RULES | ONE_CLIPPED | ONE_DENSE
ALL_RULES = PLAIN_RULES | CLIPPED_RULES | DENSE_RULES


MEAN, MEDIAN, TRIMMED_MEAN, CLASSIC_TRIMMED_MEAN, KRUM, *_ = (
    rule for rule, _ in BASIC_RULES.values()
)


def aggregated(rule: Rule, uploads: Uploads, byzantine: int) -> np.ndarray:
    """The rule's row of each item, ``[m, d]``; nothing may have been dropped."""
    found, dropped = run(rule, uploads, byzantine)
    assert dropped == 0
    return np.asarray(found.rows)


class Loose(NamedTuple):
    """Rows one by one, those of tables behind the others.

    Attributes:
        item: ``[rows]``.
        weight: ``[rows]``.
        rows: float64 ``[rows, d]``.
        finite: whether the row holds finite numbers only, ``[rows]``.
    """

    item: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    finite: np.ndarray


def loose(uploads: Uploads) -> Loose:
    """All rows of all items."""
    item, weight = [np.asarray(uploads.item)], [np.asarray(uploads.weight)]
    bundle = np.arange(uploads.item.size) // uploads.rows_per_bundle
    scale, item_scale = (
        np.broadcast_to(np.asarray(factor, np.float64), uploads.item.shape)[:, None]
        for factor in (uploads.scale, uploads.item_scale)
    )
    vectors = np.asarray(uploads.vectors, np.float64)
    embeddings = np.asarray(uploads.item_embeddings, np.float64)[item[0]]
    with np.errstate(invalid="ignore"):
        item_part = np.where(item_scale == 0, 0.0, item_scale * embeddings)
        rows = [scale * vectors[np.asarray(uploads.vector)[bundle]] + item_part]
    for table in uploads.tables:
        num_items, per_item, dim = table.rows.shape
        item.append(np.repeat(np.arange(num_items), per_item))
        weight.append(np.asarray(table.weight).reshape(-1))
        rows.append(np.asarray(table.rows, np.float64).reshape(-1, dim))
    together = np.concatenate(rows)
    finite = np.all(np.isfinite(together), axis=1)
    return Loose(np.concatenate(item), np.concatenate(weight), together, finite)


def right_answers(
    oracle: Oracle, uploads: Uploads, byzantine: int
) -> list[tuple[np.ndarray, float]]:
    """For each item the right answers ``[answers, d]`` and its largest number."""
    item_of_row, sent, rows, finite = loose(uploads)
    weight = np.where(finite, sent, 0)
    participants = int(uploads.participants)
    result = []
    for item in range(uploads.num_items):
        mine = np.flatnonzero(item_of_row == item)
        received = np.repeat(rows[mine], weight[mine], axis=0)
        if len(received) > 0:
            answers = oracle(received, byzantine, participants)
        else:
            answers = np.zeros((1, rows.shape[1]))
        result.append((answers, float(np.abs(received).max(initial=0.0))))
    return result


def assert_right(
    found: np.ndarray, oracle: Oracle, uploads: Uploads, byzantine: int
) -> None:
    """Each item's row is a right answer, to 1e-5 of the item's largest number."""
    for item, (answers, largest) in enumerate(
        right_answers(oracle, uploads, byzantine)
    ):
        error = np.abs(answers - found[item]).max(axis=1).min()
        assert error <= 1e-5 * largest, (item, found[item], answers)


def settled_items(oracle: Oracle, uploads: Uploads, byzantine: int) -> np.ndarray:
    """Whether an item has one right answer only; where rows tie, Krum has more."""
    answers = right_answers(oracle, uploads, byzantine)
    return np.array([len(rows) == 1 for rows, _ in answers])
