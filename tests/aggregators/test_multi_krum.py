"""Multi-Krum between Krum and the mean."""

import numpy as np
import pytest

from jaxfr.aggregators import multi_krum

from .oracles import KRUM, MEAN, aggregated
from .samples import DIM, factored_uploads, grouped, rows_of_one_item

UPLOADS = grouped(factored_uploads([9, 5, 12, 7], seed=0))


def found(share: float | None, byzantine: int = 3, uploads=UPLOADS) -> np.ndarray:
    return aggregated(multi_krum(share).make(), uploads, byzantine)


def test_of_all_rows_it_is_the_mean():
    mean = aggregated(MEAN, UPLOADS, 0)
    np.testing.assert_allclose(found(1.0), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found(None, 0), mean, rtol=1e-5, atol=1e-6)


def test_of_one_row_it_is_krum():
    np.testing.assert_array_equal(found(0.0), aggregated(KRUM, UPLOADS, 3))


def test_of_rows_that_tie_each_counts():
    uploads = rows_of_one_item([[0.0] * DIM, [1.0] * DIM])
    np.testing.assert_allclose(found(0.5, 0, uploads)[0], 0.5)


def test_copies_are_each_other_s_neighbours():
    uploads = rows_of_one_item([[0.0] * DIM, [1.0] * DIM], weight=[1, 3])
    np.testing.assert_allclose(found(0.75, 0, uploads)[0], 1.0)


@pytest.mark.parametrize("size", [1e3, 1e20, 3e38])
def test_outliers_of_any_size_leave_no_trace(size):
    rows = np.concatenate([np.ones((5, DIM)), [[size] * DIM, [-size] * DIM]])
    uploads = rows_of_one_item(rows)
    np.testing.assert_allclose(found(None, 2, uploads)[0], 1.0, rtol=1e-6)
