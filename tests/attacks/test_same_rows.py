"""Rows that all malicious clients send."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import same_rows
from jaxfr.uploads import item_sums, row_counts
from tests.attacks.known import view_of

ROWS = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
SOME = np.array([True, False, True])
ITEMS = np.array([True, True, False, True])


@pytest.mark.parametrize("acting", [SOME, ~SOME, np.zeros(3, bool), np.zeros(0, bool)])
@pytest.mark.parametrize("items", [None, ITEMS])
def test_one_row_counts_for_all_that_act(acting, items):
    view = view_of(jnp.zeros((4, 2)), acting)
    chosen = None if items is None else jnp.asarray(items)
    uploads = same_rows(jnp.asarray(ROWS), view, chosen)
    sent = np.ones(4, bool) if items is None else items
    (table,) = uploads.tables
    assert table.rows.shape == (4, 1, 2)
    assert uploads.participants == acting.sum()
    np.testing.assert_array_equal(table.senders, acting[None, None])
    np.testing.assert_array_equal(row_counts(uploads), acting.sum() * sent)
    expected = acting.sum() * sent[:, None] * ROWS
    np.testing.assert_allclose(item_sums(uploads), expected, rtol=1e-6)
