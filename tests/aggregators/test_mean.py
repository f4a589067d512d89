"""The arithmetic mean."""

import numpy as np

from .oracles import MEAN, aggregated
from .samples import DIM, every_kind, factored_uploads, grouped, rows_of_one_item


def test_the_mean_is_the_sum_over_the_count_with_weights():
    uploads = rows_of_one_item([[1, 0, 3], [4, -3, 0]], weight=[2, 1])
    np.testing.assert_array_equal(aggregated(MEAN, uploads, 0)[0], [2, -1, 2])


def test_one_row_moves_the_mean_anywhere():
    rows = np.random.default_rng(0).normal(size=(9, DIM))
    cancelled = rows_of_one_item(np.vstack([rows, -rows.sum(axis=0)]))
    np.testing.assert_allclose(aggregated(MEAN, cancelled, 0)[0], 0, atol=1e-7)


@every_kind
def test_the_mean_needs_no_groups(kind):
    uploads = factored_uploads([3, 0, 2, 9], seed=0, kind=kind)
    assert not MEAN.needs_groups
    np.testing.assert_array_equal(
        aggregated(MEAN, uploads, 0), aggregated(MEAN, grouped(uploads), 0)
    )
