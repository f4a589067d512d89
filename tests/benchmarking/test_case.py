"""Cases are all combinations of what is wanted."""

import pytest

from jaxfr.benchmarking.case import Case, all_cases, data_of_size
from jaxfr.data.datasets import find_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.parts import Part
from tests.benchmarking.invented import invented_record

DATA = ["ml-1m", "ml-100k"]


def test_cases_are_all_combinations_the_last_list_changing_first():
    rules = ["mean", "median"]
    cases = all_cases({"dataset": DATA, "runs": [2, 16], "aggregator": rules}, rounds=3)
    assert [case.dataset for case in cases[::4]] == ["ml-1m", "ml-100k"]
    assert [case.runs for case in cases[::2]] == [2, 16, 2, 16]
    assert [case.aggregator for case in cases[:2]] == rules
    assert {case.rounds for case in cases} == {3}


@pytest.mark.parametrize("runs", [[], [2, 2]], ids=str)
def test_no_case_and_a_case_twice_are_refused(runs):
    with pytest.raises(InvalidInputError, match="distinct"):
        all_cases({"dataset": DATA, "runs": runs})


def test_values_without_a_meaning_are_refused():
    with pytest.raises(InvalidInputError, match="trimmed_mean"):
        all_cases({"dataset": DATA}, aggregator="nonsense")


@pytest.mark.parametrize("size", [1000, 10_000, 100_000, 50_000_000, 10**9])
def test_every_size_is_a_possible_data_set(size):
    settings = find_dataset(data_of_size(size, 100))
    assert isinstance(settings, Part)
    assert settings.num_pairs == size
    assert 2 * settings.num_users <= size <= settings.num_users * settings.num_items
    assert settings.num_users <= 10**6
    assert settings.num_items <= 10**5


def test_more_runs_are_foretold_from_fewer_of_the_same():
    record = invented_record(10**6, "median", "none")  # a round in 0.1 s
    case = Case(dataset="synthetic", aggregator="median", runs=16, rounds=20)
    assert case.foretold_seconds([record]) == pytest.approx(32)
    for other in ({"aggregator": "mean"}, {"num_devices": 2}, {"attack": "lie"}):
        assert case.foretold_seconds([record | other]) == 0
