import functools

import numpy as np
import pytest

from experiments.studies.figure1_2.one_round import Rule, clean_moments
from experiments.studies.figure1_2.sparse_aggregation import (
    BRACKETS,
    BenignRows,
    Outcome,
    benign_rows,
    bracket_names,
    bracket_of,
    by_bracket,
    carried_off,
    compare,
    left_when_dense,
)
from tests.experiments.studies.small_data import BASE, source

MALICIOUS = 15
NAN = float("nan")


@functools.cache
def rows() -> BenignRows:
    return benign_rows(moment())


@functools.cache
def moment():
    return clean_moments(BASE, source(), (2,))[0]


@functools.cache
def outcomes() -> dict[Rule, Outcome]:
    found = compare(BASE, moment(), ("mean", "median"), MALICIOUS)
    return {outcome.rule: outcome for outcome in found}


def outcome(form: str, length: list[float]) -> Outcome:
    nothing = np.zeros(0)
    return Outcome(Rule("mean", form), nothing, nothing, nothing, np.array(length))


# --- What is measured ---


def test_an_aggregate_is_carried_off_when_it_leaves_the_range_in_any_coordinate():
    benign = BenignRows(
        received=np.array([2, 2, 0]),
        mean=np.zeros((3, 2)),
        lower=np.array([[1.0, -1.0], [1.0, -1.0], [np.inf, np.inf]]),
        upper=np.array([[3.0, 0.5], [3.0, 0.5], [-np.inf, -np.inf]]),
    )
    aggregated = np.array([[2.0, 0.5], [2.0, 0.6], [0.0, 0.0]])
    found = carried_off(aggregated, benign, dense=False)
    np.testing.assert_array_equal(found, [False, True, True])
    # Dense, zeros are among the benign rows.
    low = np.array([[0.5, 0.2], [0.5, 0.6], [0.0, 0.0]])
    found = carried_off(low, benign, dense=True)
    np.testing.assert_array_equal(found, [False, True, False])
    assert carried_off(low, benign, dense=False)[0]


def test_benign_rows_lie_within_their_range_and_average_to_their_mean():
    found = rows()
    assert found.received.min() >= 0
    there = found.received > 0
    assert np.all(found.lower[there] <= found.mean[there] + 1e-7)
    assert np.all(found.upper[there] >= found.mean[there] - 1e-7)
    single = found.received == 1
    np.testing.assert_allclose(found.lower[single], found.mean[single], atol=1e-7)


# --- Sparse against dense ---


def test_the_sparse_median_loses_exactly_the_items_whose_rows_are_half_malicious():
    broken = outcomes()[Rule("median", "sparse")].broken
    falls = rows().received <= MALICIOUS
    assert 0.1 < np.mean(falls) < 0.95
    np.testing.assert_array_equal(broken, falls)


def test_the_dense_median_loses_none_and_leaves_nothing():
    dense = outcomes()[Rule("median", "dense")]
    assert not dense.broken.any()
    few = rows().received < 40  # of 120 clients
    there = few & (rows().received > 0)
    np.testing.assert_array_equal(dense.clean_length[there], 0.0)
    left = left_when_dense(list(outcomes().values()), "median")
    assert np.nanmax(left[few]) == 0.0


def test_the_mean_keeps_all_of_the_mean_and_dense_its_share():
    there = rows().received > 0
    sparse = outcomes()[Rule("mean", "sparse")]
    np.testing.assert_allclose(sparse.clean_length[there], 1.0, rtol=1e-4)
    # Opposite rows stop it where it stands.
    np.testing.assert_allclose(sparse.opposite_moves[there], 1.0, rtol=1e-4)
    left = left_when_dense(list(outcomes().values()), "mean")
    expected = rows().received / source().dataset.num_users
    np.testing.assert_allclose(left[there], expected[there], rtol=1e-3)


def test_noise_moves_the_sparse_mean_by_its_share_of_the_rows():
    there = rows().received > 0
    noise = outcomes()[Rule("mean", "sparse")].noise_moves[there]
    # Noise of length about 2, on means of length about 0.01.
    assert np.median(noise) > 10
    assert np.isnan(outcomes()[Rule("mean", "sparse")].noise_moves[~there]).all()


# --- Brackets ---


def test_brackets_begin_where_they_say_and_the_last_has_no_end():
    degree = np.array([0, 9, 10, 29, 30, 199, 200, 5000])
    assert bracket_of(degree).tolist() == [0, 0, 1, 1, 2, 3, 4, 4]
    assert bracket_names() == ("0–9", "10–29", "30–99", "100–199", "200+")
    assert len(bracket_names()) == len(BRACKETS)


def test_a_bracket_is_summarised_by_its_items_that_have_a_value():
    degree = np.array([1, 2, 3, 10, 11, 12, 300])
    values = np.array([0.0, 1.0, NAN, 1.0, 2.0, 6.0, NAN])
    shares = by_bracket(values, degree, share=True)
    assert shares[:2] == pytest.approx([50.0, 300.0])
    medians = by_bracket(values, degree, share=False)
    assert medians[:2] == pytest.approx([0.5, 2.0])
    assert np.isnan(medians[2:]).all()


def test_what_is_left_when_dense_is_the_quotient_of_the_lengths():
    pair = [
        outcome("dense", [1.0, 0.0, 0.0, NAN]),
        outcome("sparse", [4.0, 2.0, 0.0, NAN]),
    ]
    left = left_when_dense(pair, "mean")
    assert left[:2].tolist() == [0.25, 0.0]
    assert np.isnan(left[2:]).all()
