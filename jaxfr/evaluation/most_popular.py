"""The most popular items for everybody: what a recommender has to beat."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from jaxfr.evaluation.evaluate import RankedItems, Scorer, evaluate
from jaxfr.evaluation.metric import Metric, RankingName
from jaxfr.evaluation.outcome import Outcome
from jaxfr.models.base import Weights


def evaluate_most_popular(
    metrics: Sequence[Metric],
    ranking: RankingName,
    item_degree: Array,
    items: RankedItems,
) -> Outcome:
    """Evaluates the ranking by training degree, which is the same for every user.

    It learns nothing of anybody, yet beats many a trained recommender, so that a metric
    means little without it (Cremonesi et al., "Performance of recommender algorithms on
    top-N recommendation tasks", RecSys 2010). Items of equal degree are tied, which as
    always does not help the item that is ranked.

    Args:
        metrics: what to count for.
        ranking: the run's own.
        item_degree: training interactions of each item, int32 ``[m]``.
        items: what is ranked, and among what.
    """
    scorer = Scorer(_first_number, (), item_degree[:, None].astype(jnp.float32))
    nothing = jnp.zeros((items.test_items.item.shape[0], 1), jnp.float32)
    return evaluate(metrics, ranking, scorer, nothing, items)


def _first_number(weights: Weights, representation: Array, items: Array) -> Array:
    del weights, representation
    return items[:, 0]
