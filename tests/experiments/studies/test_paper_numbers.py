import pytest

from experiments.studies.paper_numbers import TABLE3, USERS, paper_number
from jaxfr.attacks import ATTACKS
from jaxfr.data import DATASETS


def test_the_table_has_eleven_columns_for_each_of_three_data_sets():
    assert set(TABLE3) == set(USERS) == {"ml-100k", "ml-1m", "steam"} <= set(DATASETS)
    for columns in TABLE3.values():
        assert len(columns) == 11
        assert set(columns) <= set(ATTACKS)


@pytest.mark.parametrize("dataset", TABLE3)
def test_the_four_numbers_of_a_column_are_ordered_as_metrics_must_be(dataset):
    """A hit in the first five is one in the first ten, and no gain exceeds its hit."""
    for column in TABLE3[dataset].values():
        hr_5, ndcg_5, hr_10, ndcg_10 = column
        assert ndcg_5 < hr_5 < hr_10
        assert ndcg_5 < ndcg_10 < hr_10


@pytest.mark.parametrize(
    ("dataset", "attack", "metric", "expected"),
    [
        ("ml-100k", "none", "hr@5", 0.2513),
        ("ml-1m", "spattack_o_s", "ndcg@5", 0.0553),
        ("steam", "fang", "hr@10", 0.0619),
        ("steam", "spattack_l_d", "ndcg@10", 0.0138),
    ],
)
def test_a_number_is_found_by_data_set_attack_and_metric(
    dataset, attack, metric, expected
):
    number = paper_number(dataset, attack, metric)
    assert number is not None
    assert number.value == expected


def test_the_standard_error_is_that_of_one_run():
    number = paper_number("ml-100k", "none", "hr@10")
    assert number is not None
    assert number.standard_error == pytest.approx((0.4051 * 0.5949 / 943) ** 0.5)
    assert round(number.standard_error, 3) == 0.016


def test_the_paper_has_no_other_data_sets_or_attacks():
    assert paper_number("synthetic", "none", "hr@5") is None
    assert paper_number("ml-100k", "fang_full_knowledge", "hr@5") is None
