import pytest

from jaxfr.evaluation.metrics import hit_ratio
from tests.evaluation.counted import assert_chance, assert_mean_over_users


@pytest.mark.parametrize("cutoff", [1, 5, 10, 50])
def test_it_is_the_share_of_users_whose_rank_is_below_the_cut_off(cutoff):
    assert_mean_over_users(hit_ratio(cutoff), lambda rank, _: float(rank < cutoff))
    assert_chance(hit_ratio(cutoff))


def test_more_of_it_is_better_and_its_name_tells_the_cut_off():
    assert hit_ratio(7).higher_is_better
    assert hit_ratio(7).name == "hr@7"


def test_the_same_hit_ratio_is_the_same_part_of_a_program():
    assert hit_ratio(5) == hit_ratio(5)
    assert hash(hit_ratio(5)) == hash(hit_ratio(5))
    assert hit_ratio(5) != hit_ratio(10)
