"""Users counted for a metric, and what a loop over them comes to."""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from jaxfr.evaluation.metrics import NO_RANK, Metric
from jaxfr.evaluation.outcome import Outcome, Ranks, averages, count_users

NUM_OTHERS = 20
RANKS = np.array([0, 4, 5, 9, 10, 20, NO_RANK], np.int32)


def count(
    metrics: Sequence[Metric],
    ranks: np.ndarray,
    evaluated: np.ndarray | None = None,
    group: np.ndarray | None = None,
    num_others: int | np.ndarray = NUM_OTHERS,
) -> Outcome:
    """Counts users of whom each has one item, ranked the same in every ranking."""
    evaluated = np.ones(ranks.shape, bool) if evaluated is None else evaluated
    group = np.zeros(ranks.shape, np.int32) if group is None else group
    others = np.broadcast_to(np.asarray(num_others, np.int32), ranks.shape)
    return _count(tuple(metrics), ranks, others, evaluated, group)


@functools.partial(jax.jit, static_argnums=0)
def _count(metrics, ranks, others, evaluated, group) -> Outcome:
    found = Ranks(ranks[:, None], others, evaluated[:, None])
    rankings = {"own", *(metric.ranking for metric in metrics)}
    return count_users(metrics, dict.fromkeys(rankings, found), group)


def assert_mean_over_users(metric: Metric, value: Callable[[int, int], float]) -> None:
    """Asserts that a metric is the mean of a value of each user's rank.

    In arrays of JAX as in those of NumPy, from which records are made.
    """
    outcome = count([metric], RANKS)
    expected = np.mean([value(int(rank), NUM_OTHERS) for rank in RANKS])
    for counts in (outcome, jax.device_get(outcome)):
        found = averages([metric], counts)[metric.name]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def assert_chance(metric: Metric) -> None:
    """Asserts that chance is the mean over all ranks that an item may have."""
    assert metric.chance is not None
    for num_others in (0, 3, 9, NUM_OTHERS):
        ranks = np.arange(num_others + 1, dtype=np.int32)
        outcome = count([metric], ranks, num_others=num_others)
        found = averages([metric], outcome)[metric.name]
        chance = metric.chance(np.array([num_others]))
        np.testing.assert_allclose(chance, [found], rtol=1e-6)
