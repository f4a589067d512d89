"""The dense form: absent clients are zero rows."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.aggregators import dense
from jaxfr.aggregators.base import add_absent_clients, chained
from jaxfr.uploads import item_sums, row_counts

from .oracles import CLIP, DENSE_NORM, DENSE_RULES, MEAN, aggregated, assert_right
from .samples import (
    DIM,
    NUM_ITEMS,
    every_kind,
    factored_uploads,
    grouped,
    rows_of_one_item,
)

DENSE_MEAN, _ = DENSE_RULES["dense_mean"]
DENSE_MEDIAN, _ = DENSE_RULES["dense_median"]


@every_kind
def test_absent_clients_complete_every_item_to_all_participants(kind):
    uploads = grouped(factored_uploads([5, 0, 9, 1], seed=0, max_weight=3, kind=kind))
    completed = jax.jit(add_absent_clients)(uploads)
    np.testing.assert_array_equal(row_counts(completed), uploads.participants)
    np.testing.assert_array_equal(item_sums(completed), item_sums(uploads))
    assert completed.participants == uploads.participants
    *before, absent = completed.tables
    as_before = completed._replace(tables=tuple(before))
    jax.tree.map(np.testing.assert_array_equal, as_before, uploads)
    assert absent.rows.shape == (NUM_ITEMS, 1, DIM)
    np.testing.assert_array_equal(absent.rows, 0)


def test_more_rows_than_participants_leave_nobody_absent():
    uploads = grouped(factored_uploads([5, 0, 9, 1], seed=0))
    completed = add_absent_clients(uploads._replace(participants=jnp.int32(4)))
    np.testing.assert_array_equal(row_counts(completed), [5, 4, 9, 4])


def test_the_zeros_of_absent_clients_win_a_majority():
    uploads = rows_of_one_item([[1, 2, 3]] * 3)
    found = [
        aggregated(DENSE_MEDIAN, uploads._replace(participants=jnp.int32(count)), 0)
        for count in (5, 6, 7)
    ]
    np.testing.assert_array_equal(
        [rows[0] for rows in found], [[1, 2, 3], [0.5, 1, 1.5], [0, 0, 0]]
    )


@every_kind
def test_the_dense_mean_divides_by_all_participants(kind):
    uploads = grouped(factored_uploads([5, 0, 9, 1], seed=1, kind=kind))
    found = aggregated(DENSE_MEAN, uploads, 0)
    np.testing.assert_allclose(found, item_sums(uploads) / 12, rtol=1e-5, atol=1e-7)


@every_kind
def test_clipping_may_stand_inside_or_outside_of_the_dense_form(kind):
    uploads = grouped(factored_uploads([5, 0, 9, 1], seed=2, kind=kind))
    inside, oracle = DENSE_NORM
    found = aggregated(inside, uploads, 1)
    outside = aggregated(chained(CLIP, dense(MEAN)), uploads, 1)
    np.testing.assert_array_equal(found, outside)
    assert_right(found, oracle, uploads, 1)
