"""Norm clipping."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks
from jaxfr.aggregators import clip_by_norm
from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.uploads import Uploads, item_sums, item_table, rows_of, with_sums

from .samples import DIM, NUM_ROWS, every_kind, factored_uploads, rows_of_one_item


@jax.jit
def clipped_rows(uploads: Uploads, clip_norm: float) -> jax.Array:
    return all_rows(clip_by_norm(clip_norm).make().on_arrival(uploads))


def all_rows(uploads: Uploads) -> jax.Array:
    """Those of tables behind the others."""
    scattered = rows_of(uploads, jnp.arange(uploads.item.size))
    tables = [table.rows.reshape(-1, DIM) for table in uploads.tables]
    return jnp.concatenate([scattered, *tables])


def in_a_table(uploads: Uploads) -> Uploads:
    """Sends the scattered rows, all of item 0, as a table of item 0."""
    num_items, dim = uploads.item_embeddings.shape
    rows = jnp.zeros((num_items, uploads.item.size, dim)).at[0].set(all_rows(uploads))
    weight = jnp.zeros(rows.shape[:2], jnp.int32).at[0].set(uploads.weight)
    return item_table(rows, weight, uploads.item_embeddings, uploads.participants)


@every_kind
@pytest.mark.parametrize("clip_norm", [0.01, 0.7, 1.0, 3.0])
def test_longer_rows_are_shortened_to_the_norm_and_others_stay(kind, clip_norm):
    uploads = factored_uploads([9, 9, 9, 5], seed=0, kind=kind)
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
    for sent in (uploads, in_a_table(uploads)):
        found = clipped_rows(sent, 5.0)
        np.testing.assert_array_equal(found, all_rows(sent))


@pytest.mark.parametrize("size", [1e10, 1e25, 1e37])
def test_rows_whose_squares_overflow_are_shortened_like_others(size):
    direction = np.array([2.0, -1.0, 2.0]) / 3
    uploads = rows_of_one_item([size * direction])
    for sent in (uploads, in_a_table(uploads)):
        found = clipped_rows(sent, 1.0)[0]
        np.testing.assert_allclose(found, direction, rtol=1e-5)


@pytest.mark.parametrize("size", [1.4e38, 3e38, 3.4e38])
def test_rows_too_long_for_any_factor_become_zeros(size):
    uploads = rows_of_one_item([[size, 0.0, -0.9 * size]])
    for sent in (uploads, in_a_table(uploads)):
        np.testing.assert_array_equal(clipped_rows(sent, 1.0)[0], 0)


def test_rows_whose_squares_vanish_are_left_alone():
    uploads = rows_of_one_item([[3e-30] * DIM])
    for sent in (uploads, in_a_table(uploads)):
        found = clipped_rows(sent, 1.0)[0]
        np.testing.assert_allclose(found, 3e-30, rtol=1e-6)


@every_kind
def test_clipping_changes_no_vector_that_other_rows_share(kind):
    uploads = factored_uploads([9, 9, 9, 5], seed=1, kind=kind)
    clipped = clip_by_norm(0.5).make().on_arrival(uploads)
    for before, after in zip(uploads.tables, clipped.tables, strict=True):
        np.testing.assert_array_equal(after.weight, before.weight)
    for field in ("item", "weight", "vector", "vectors", "item_embeddings"):
        np.testing.assert_array_equal(getattr(clipped, field), getattr(uploads, field))


@every_kind
def test_sums_from_before_are_not_taken_for_those_of_the_clipped_rows(kind):
    uploads = factored_uploads([9, 9, 9, 5], seed=2, kind=kind)
    clip = clip_by_norm(0.5).make().on_arrival
    found, expected = item_sums(clip(with_sums(uploads))), item_sums(clip(uploads))
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found - item_sums(uploads)).max() > 0.1


def test_rows_are_clipped_alike_in_blocks_of_any_size(monkeypatch):
    uploads = factored_uploads([9, 9, 9, 5], seed=3)
    expected = all_rows(clip_by_norm(0.5).make().on_arrival(uploads))
    for rows_per_block in (1, 5, 31):
        monkeypatch.setattr(blocks, "BLOCK_NUMBERS", rows_per_block * DIM)
        found = all_rows(clip_by_norm(0.5).make().on_arrival(uploads))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_rows_of_zeros_have_a_derivative_even_below_norm_1():
    def clipped(rows: jax.Array) -> jax.Array:
        return clipped_rows(
            rows_of_one_item(np.zeros((2, 3)))._replace(vectors=rows), 0.5
        )

    found = jax.grad(lambda rows: clipped(rows).sum())(jnp.zeros((NUM_ROWS, DIM)))
    assert np.all(np.isfinite(found))


def test_the_factor_is_exactly_1_where_nothing_is_cut():
    norms = jnp.array([0.0, 1e-30, 0.25, 0.5, 1.0, np.inf])
    found = factor_to_norm(jnp.float32(0.5), norms)
    np.testing.assert_array_equal(found, [1.0, 1.0, 1.0, 1.0, 0.5, 0.0])
