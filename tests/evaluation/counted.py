"""Users counted for metrics."""

import functools
from collections.abc import Sequence

import jax
import numpy as np

from jaxfr.evaluation.metrics import Metric
from jaxfr.evaluation.outcome import Outcome, Ranks, count_users


def count(
    metrics: Sequence[Metric],
    ranks: np.ndarray,
    evaluated: np.ndarray | None = None,
    group: np.ndarray | None = None,
    num_others: int | np.ndarray = 20,
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
