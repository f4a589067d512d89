"""Hit ratio, nDCG and percentile, each the mean of a value of every user's rank."""

import math

import jax
import numpy as np
import pytest

from jaxfr.evaluation.metrics import NO_RANK, hit_ratio, ndcg, percentile
from jaxfr.evaluation.outcome import averages
from tests.evaluation.counted import count

NUM_OTHERS = 20
RANKS = np.array([0, 4, 5, 9, 10, 20, NO_RANK], np.int32)


def value_of(name: str, rank: int) -> float:
    """Of one user whose item stands behind so many of the 20 others."""
    kind, _, cutoff = name.partition("@")
    if kind == "percentile":
        return 1.0 if rank == NO_RANK else rank / NUM_OTHERS
    gain = 1.0 if kind == "hr" else 1 / math.log2(rank + 2)
    return gain if rank < int(cutoff) else 0.0


FORMULAS = [make(cutoff) for make in (hit_ratio, ndcg) for cutoff in (1, 5, 50)]


@pytest.mark.parametrize("metric", [*FORMULAS, percentile()], ids=lambda one: one.name)
def test_a_metric_is_the_mean_of_its_value_over_users_and_over_all_ranks_by_chance(
    metric,
):
    outcome = count([metric], RANKS, num_others=NUM_OTHERS)
    expected = np.mean([value_of(metric.name, int(rank)) for rank in RANKS])
    # In arrays of JAX as in those of NumPy, from which records are made.
    for counts in (outcome, jax.device_get(outcome)):
        found = averages([metric], counts)[metric.name]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    for num_others in (0, 3, 9, NUM_OTHERS):
        ranks = np.arange(num_others + 1, dtype=np.int32)
        outcome = count([metric], ranks, num_others=num_others)
        found = averages([metric], outcome)[metric.name]
        chance = metric.chance(np.array([num_others]))
        np.testing.assert_allclose(chance, [found], rtol=1e-6)
    assert metric.higher_is_better == (metric != percentile())


def test_the_same_metric_is_the_same_part_of_a_program():
    assert hit_ratio(5) == hit_ratio(5)
    assert hash(hit_ratio(5)) == hash(hit_ratio(5))
    assert hit_ratio(5) != hit_ratio(10)


def test_users_are_each_ranked_among_their_own_number_of_items():
    ranks, others = np.array([1, 3, 0], np.int32), np.array([2, 30, 0])
    outcome = count([percentile()], ranks, num_others=others)
    found = averages([percentile()], outcome)["percentile"]
    np.testing.assert_allclose(found, (1 / 2 + 3 / 30 + 0) / 3, rtol=1e-6)
