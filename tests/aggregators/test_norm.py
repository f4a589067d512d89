"""Norm clipping."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import clip_by_norm
from jaxfr.uploads import Uploads, rows_of

from .samples import DIM, factored_uploads, rows_of_one_item


@jax.jit
def clipped_rows(uploads: Uploads, clip_norm: float) -> jax.Array:
    return all_rows(clip_by_norm(clip_norm)(uploads))


def all_rows(uploads: Uploads) -> jax.Array:
    return rows_of(uploads, jnp.arange(uploads.item.size))


@pytest.mark.parametrize("clip_norm", [0.01, 0.7, 1.0, 3.0])
def test_longer_rows_are_shortened_to_the_norm_and_others_stay(clip_norm):
    uploads = factored_uploads([9, 9, 9, 5], seed=0)
    rows = np.asarray(all_rows(uploads), np.float64)
    norms = np.linalg.norm(rows, axis=1)
    found = np.asarray(clipped_rows(uploads, clip_norm))
    longer = norms > clip_norm
    expected = rows[longer] * (clip_norm / norms[longer])[:, None]
    np.testing.assert_allclose(found[longer], expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found[~longer], rows[~longer], rtol=1e-6, atol=1e-7)
    assert longer.any()


def test_a_row_of_exactly_the_norm_stays_bit_for_bit():
    uploads = rows_of_one_item([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [1e-20, 0, 0]])
    found = clipped_rows(uploads, 5.0)
    np.testing.assert_array_equal(found, all_rows(uploads))


@pytest.mark.parametrize("size", [1e10, 1e25, 1e37])
def test_rows_whose_squares_overflow_are_shortened_like_others(size):
    direction = np.array([2.0, -1.0, 2.0]) / 3
    found = clipped_rows(rows_of_one_item([size * direction]), 1.0)[0]
    np.testing.assert_allclose(found, direction, rtol=1e-5)


def test_rows_whose_squares_vanish_are_left_alone():
    found = clipped_rows(rows_of_one_item([[3e-30] * DIM]), 1.0)[0]
    np.testing.assert_allclose(found, 3e-30, rtol=1e-6)


def test_clipping_changes_no_vector_that_other_rows_share():
    uploads = factored_uploads([9, 9, 9, 5], seed=1)
    clipped = clip_by_norm(0.5)(uploads)
    for field in ("item", "weight", "vector", "vectors", "item_embeddings"):
        np.testing.assert_array_equal(getattr(clipped, field), getattr(uploads, field))
