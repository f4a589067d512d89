import functools
import math

import numpy as np
import pytest

from experiments.studies.figure1_2.falling_items import Fallen, count_fallen, fit_laws
from experiments.studies.figure1_2.one_round import clean_moments
from jaxfr.uploads import row_counts
from tests.experiments.studies.small_data import BASE, source

SHARES = (0.0, 0.1, 0.2)


@functools.cache
def fallen() -> list[Fallen]:
    (moment,) = clean_moments(BASE, source(), (0,))
    degree = source().dataset.item_popularity
    return count_fallen(BASE, moment, degree, fit_laws(degree), SHARES)


def test_clients_are_counted_as_shares_of_all():
    # floor(120 rho / (1 - rho)).
    assert [found.malicious_clients for found in fallen()] == [0, 13, 30]


def test_nobody_breaks_nothing():
    nobody = fallen()[0]
    assert (nobody.by_degree, nobody.by_rows, nobody.simulated) == (0.0, 0.0, 0.0)
    assert nobody.of_described == 0.0
    assert math.isnan(nobody.closed_form)


def test_items_fall_whose_degree_is_at_most_the_malicious_clients():
    degree = source().dataset.item_popularity
    for found in fallen()[1:]:
        assert found.by_degree == np.mean(degree <= found.malicious_clients)


def test_described_items_are_counted_by_themselves():
    degree = source().dataset.item_popularity
    laws = fit_laws(degree)
    assert laws is not None
    described = degree[degree >= laws.fitted.minimum_degree]
    assert 0 < len(described) < len(degree)
    for found in fallen()[1:]:
        expected = np.mean(described <= found.malicious_clients)
        assert found.described_by_degree == pytest.approx(expected)


def test_a_round_breaks_the_items_whose_rows_are_at_most_the_malicious_ones():
    (moment,) = clean_moments(BASE, source(), (0,))
    received = np.asarray(row_counts(moment.benign))
    for found in fallen()[1:]:
        assert found.by_rows == np.mean(received <= found.malicious_clients)
        assert found.simulated == pytest.approx(found.by_rows)
    # Negatives bring rows, so that fewer fall than interactions tell.
    assert fallen()[1].simulated < fallen()[1].by_degree - 0.05


def test_more_malicious_clients_break_more():
    for field in ("of_described", "whole_law", "by_degree", "by_rows", "simulated"):
        values = [getattr(found, field) for found in fallen()[1:]]
        assert values == sorted(values)


def test_the_laws_formula_is_the_share_below_the_malicious_clients():
    laws = fit_laws(source().dataset.item_popularity)
    assert laws is not None
    found = fallen()[2]
    expected = 1 - laws.whole_share * 30 ** (1 - laws.whole.exponent)
    assert found.whole_law == pytest.approx(expected)
    assert laws.fitted.minimum_degree <= 30
    described = 1 - (30 / laws.fitted.minimum_degree) ** (1 - laws.fitted.exponent)
    assert found.of_described == pytest.approx(described)
    # Items below the law's least degree count as fallen.
    assert found.closed_form == pytest.approx(1 - laws.tail_share * (1 - described))


def test_too_few_items_have_no_law():
    assert fit_laws(np.arange(1, 20)) is None
    (moment,) = clean_moments(BASE, source(), (0,))
    degree = source().dataset.item_popularity
    (found,) = count_fallen(BASE, moment, degree, None, (0.1,))
    assert math.isnan(found.closed_form)
    assert math.isnan(found.whole_law)
    assert found.simulated > 0
