import math

import pytest

from jaxfr.evaluation.metrics import ndcg
from tests.evaluation.counted import assert_chance, assert_mean_over_users


@pytest.mark.parametrize("cutoff", [1, 5, 10, 50])
def test_it_is_the_mean_of_gains_that_fall_with_the_rank(cutoff):
    def gain(rank: int, num_others: int) -> float:
        del num_others
        return 1 / math.log2(rank + 2) if rank < cutoff else 0.0

    assert_mean_over_users(ndcg(cutoff), gain)
    assert_chance(ndcg(cutoff))


def test_more_of_it_is_better_and_its_name_tells_the_cut_off():
    assert ndcg(7).higher_is_better
    assert ndcg(7).name == "ndcg@7"
