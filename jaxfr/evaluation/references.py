"""What a metric is compared with: a random order, and the most popular items."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.evaluation.candidates import (
    GROUP_NAMES,
    count_within_third,
    user_degree_groups,
)
from jaxfr.evaluation.evaluate import RankedItems, Scorer, evaluate
from jaxfr.evaluation.metrics import Metric, RankingName
from jaxfr.evaluation.outcome import Outcome
from jaxfr.models.base import Weights
from jaxfr.shapes import Int


def chance_of(
    metrics: Sequence[Metric],
    ranking: RankingName,
    num_candidates: int,
    dataset: Dataset,
) -> dict[str, float]:
    """The expectation of each metric under a random order, exact for each user.

    Of targets it is the mean over all users, those who hold a target among them.

    Args:
        ranking: the run's own, ``sampled`` or ``full``.
        num_candidates: items that a test item is ranked among when they are drawn.

    Returns:
        Numbers by the metric's fields, as ``hr@10`` and ``hr@10_tail``; without those
        of which chance is not known, and without means over nobody.
    """
    exists = dataset.test_items != NO_TEST_ITEM
    own_third = user_degree_groups(dataset)
    everybody = np.ones(dataset.num_users, bool)
    found = {}
    for metric in metrics:
        if metric.chance is None:
            continue
        of = ranking if metric.ranking == "own" else metric.ranking
        value = metric.chance(_num_others(of, num_candidates, dataset))
        members = {metric.name: exists if metric.has_groups else everybody}
        if metric.has_groups:
            members |= {
                f"{metric.name}_{name}": own_third == index
                for index, name in enumerate(GROUP_NAMES)
            }
        found |= {
            field: float(np.mean(value[users]))
            for field, users in members.items()
            if users.any()
        }
    return found


def _num_others(
    ranking: RankingName, num_candidates: int, dataset: Dataset
) -> np.ndarray:
    """How many items an item of each user is ranked beside, float64 ``[n]``."""
    if ranking == "sampled":
        return np.full(dataset.num_users, float(num_candidates))
    if ranking == "within_third":
        return count_within_third(dataset, num_candidates).astype(float)
    return (dataset.num_items - dataset.user_activity - 1).astype(float)


def evaluate_most_popular(
    metrics: Sequence[Metric],
    ranking: RankingName,
    item_degree: Int[Array, " m"],
    items: RankedItems,
) -> Outcome:
    """Evaluates the ranking by training degree, which is the same for every user.

    It learns nothing of anybody, yet beats many a trained recommender, so that a metric
    means little without it (Cremonesi et al., "Performance of recommender algorithms on
    top-N recommendation tasks", RecSys 2010). Items of equal degree are tied, which as
    always does not help the item that is ranked.
    """
    scorer = Scorer(_first_number, (), item_degree[:, None].astype(jnp.float32))
    nothing = jnp.zeros((items.test_items.item.shape[0], 1), jnp.float32)
    return evaluate(metrics, ranking, scorer, nothing, items)


def _first_number(weights: Weights, representation: Array, items: Array) -> Array:
    del weights, representation
    return items[:, 0]
