import numpy as np

from jaxfr.evaluation.metrics import NO_RANK, percentile
from jaxfr.evaluation.outcome import averages
from tests.evaluation.counted import assert_chance, assert_mean_over_users, count


def test_it_is_the_mean_share_of_other_items_above():
    assert_mean_over_users(
        percentile(),
        lambda rank, num_others: 1.0 if rank == NO_RANK else rank / num_others,
    )
    assert_chance(percentile())


def test_less_of_it_is_better():
    assert not percentile().higher_is_better


def test_users_are_each_ranked_among_their_own_number_of_items():
    ranks, others = np.array([1, 3, 0], np.int32), np.array([2, 30, 0])
    outcome = count([percentile()], ranks, num_others=others)
    found = averages([percentile()], outcome)["percentile"]
    np.testing.assert_allclose(found, (1 / 2 + 3 / 30 + 0) / 3, rtol=1e-6)
