"""What every metric is in a random order."""

import numpy as np
import pytest

from jaxfr.evaluation.candidates import count_within_third
from jaxfr.evaluation.metrics import mean_over_users
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.references import chance_of
from tests.evaluation.test_evaluate import (
    NUM_ITEMS,
    NUM_USERS,
    WITHOUT_TEST_ITEM,
    dataset,
)

NAMES = "hr@10,full_hr@10,within_third_hr@10,er@10,percentile"
ACTIVITY = dataset().user_activity


def shares(num_others: np.ndarray) -> np.ndarray:
    """By user: 10 places of a list for so many items and one more."""
    return np.minimum(10 / (num_others + 1), 1)


@pytest.mark.parametrize("ranking", ["sampled", "full"])
def test_it_is_the_mean_over_users_each_with_its_own_number_of_items(ranking):
    found = chance_of(parse_metrics(NAMES), ranking, 20, dataset())
    evaluated = np.setdiff1d(np.arange(NUM_USERS), WITHOUT_TEST_ITEM)
    full = shares(NUM_ITEMS - ACTIVITY - 1)
    expected = {
        "hr@10": np.full(NUM_USERS, 10 / 21) if ranking == "sampled" else full,
        "full_hr@10": full,
        "within_third_hr@10": shares(count_within_third(dataset(), 20)),
    }
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.mean(values[evaluated]))
    assert found["er@10"] == pytest.approx(full.mean())
    assert found["percentile"] == 0.5
    assert found["within_third_hr@10_head"] > found["within_third_hr@10_tail"]


def test_a_metric_that_does_not_know_its_chance_is_left_out():
    unknown = mean_over_users("mrr", lambda rank, _: 1 / (rank + 1.0), True)
    assert chance_of([unknown], "full", 20, dataset()) == {}
