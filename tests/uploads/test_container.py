"""The container of uploads: its rows, their sums, and tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr import blocks
from jaxfr.devices import AXIS
from jaxfr.uploads import (
    Uploads,
    append_tables,
    item_sums,
    item_table,
    one_row_each,
    row_counts,
    rows_of,
    rows_of_item,
    with_sums,
)

from .samples import (
    DIM,
    NUM_ITEMS,
    NUM_ROWS,
    every_kind,
    grouped,
    loop_sums,
    loose,
    on_devices,
    random_uploads,
    scattered_rows,
)

some_seeds = given(seed=st.integers(0, 10**6))
some_examples = settings(max_examples=30)
sums_of = jax.jit(item_sums)
rows_at = jax.jit(rows_of)
rows_of_one = jax.jit(rows_of_item, static_argnums=3)


def random_table(seed: int, rows_per_item: int = 2) -> Uploads:
    generator = np.random.default_rng(seed)
    return item_table(
        jnp.asarray(
            generator.normal(size=(NUM_ITEMS, rows_per_item, DIM)), jnp.float32
        ),
        jnp.asarray(generator.integers(0, 3, size=(NUM_ITEMS, rows_per_item))),
        jnp.ones((NUM_ITEMS, DIM)),
        jnp.int32(7),
    )


# --- Rows ---


@pytest.mark.device
@every_kind
@some_seeds
@some_examples
def test_a_row_is_its_multiples_of_vector_and_item_added_up(kind, seed):
    uploads = random_uploads(seed, kind)
    found = rows_at(uploads, jnp.arange(NUM_ROWS))
    np.testing.assert_allclose(found, scattered_rows(uploads), rtol=1e-5, atol=1e-6)


@pytest.mark.device
@every_kind
@pytest.mark.parametrize("spare", [0, 5])
def test_the_rows_of_an_item_are_the_scattered_ones_in_order_and_then_its_tables(
    kind, spare
):
    uploads = grouped(random_uploads(1, kind))
    item, weight, rows = loose(uploads)
    for group in uploads.groups:
        size = group.rows.shape[1] + sum(kind.tables) + spare
        for number, index in zip(group.items, group.rows, strict=True):
            found, found_weight = rows_of_one(uploads, number, index, size)
            assert found.shape == (size, DIM)
            assert found_weight.shape == (size,)
            assert np.isfinite(found).all()
            mine = (item == np.asarray(number)) & (weight > 0)
            sent = np.asarray(found_weight) > 0
            np.testing.assert_array_equal(found_weight[sent], weight[mine])
            np.testing.assert_allclose(found[sent], rows[mine], rtol=1e-5, atol=1e-6)


# --- Counts and sums ---


@pytest.mark.device
@every_kind
@some_seeds
@some_examples
def test_counts_and_sums_take_each_row_as_often_as_it_weighs(kind, seed):
    uploads = random_uploads(seed, kind)
    item, weight, _ = loose(uploads)
    expected = np.bincount(item, weight, NUM_ITEMS)
    np.testing.assert_array_equal(row_counts(uploads), expected)
    found = sums_of(uploads)
    np.testing.assert_allclose(found, loop_sums(uploads), rtol=1e-5, atol=1e-5)


@every_kind
@pytest.mark.parametrize("bundles_per_block", [1, 3, 9])
def test_sums_are_the_same_in_blocks_of_any_size(monkeypatch, kind, bundles_per_block):
    numbers = bundles_per_block * kind.width * DIM
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", numbers)
    uploads = random_uploads(2, kind)
    found = item_sums(uploads)
    np.testing.assert_allclose(found, loop_sums(uploads), rtol=1e-5, atol=1e-5)


@every_kind
def test_sums_once_computed_are_what_the_sums_of_all_rows_are_made_from(kind):
    uploads = random_uploads(3, kind)
    summed = with_sums(uploads)
    known, alone = summed.scattered_sums, uploads._replace(tables=())
    assert known is not None
    forgotten = summed._replace(scattered_sums=None)
    jax.tree.map(np.testing.assert_array_equal, forgotten, uploads)
    np.testing.assert_allclose(known.sums, loop_sums(alone), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(item_sums(summed), item_sums(uploads))
    eight = known._replace(sums=jnp.full((NUM_ITEMS, DIM), 8.0))
    marked = item_sums(summed._replace(scattered_sums=eight))
    in_tables = loop_sums(uploads) - loop_sums(alone)
    np.testing.assert_allclose(marked, 8.0 + in_tables, rtol=1e-5, atol=1e-5)


@every_kind
@pytest.mark.parametrize(
    "field", ["item", "weight", "scale", "item_scale", "vectors", "item_embeddings"]
)
def test_sums_once_computed_do_not_outlive_what_they_were_made_of(kind, field):
    uploads = with_sums(random_uploads(3, kind))
    changed = uploads._replace(**{field: 2 * getattr(uploads, field) % NUM_ITEMS})
    found, expected = item_sums(changed), loop_sums(changed)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


# --- Tables ---


@every_kind
@pytest.mark.parametrize("rows_per_item", [0, 2])
def test_a_table_is_appended_behind_all_rows(kind, rows_per_item):
    uploads, table = random_uploads(2, kind), random_table(3, rows_per_item)
    both = append_tables(uploads, table)
    for found, first, second in zip(
        loose(both), loose(uploads), loose(table), strict=True
    ):
        np.testing.assert_array_equal(found, np.concatenate([first, second]))
    np.testing.assert_array_equal(
        row_counts(both), row_counts(uploads) + row_counts(table)
    )
    np.testing.assert_array_equal(both.item_embeddings, uploads.item_embeddings)
    assert both.participants == NUM_ROWS + 7
    assert both.groups == ()


# --- Several devices ---


@every_kind
@pytest.mark.parametrize("devices", [2, 5])
def test_rows_that_are_spread_over_devices_count_and_add_up_as_on_one(kind, devices):
    uploads = random_uploads(9, kind)

    def count_and_sum(part: Uploads) -> tuple[jax.Array, jax.Array]:
        return row_counts(part), item_sums(with_sums(part))

    counts, sums = jax.jit(jax.vmap(count_and_sum, axis_name=AXIS))(
        on_devices(uploads, devices)
    )
    for count, found in zip(counts, sums, strict=True):
        np.testing.assert_array_equal(count, row_counts(uploads))
        np.testing.assert_allclose(found, loop_sums(uploads), rtol=1e-5, atol=1e-5)


# --- One row of every client ---


def test_every_client_that_takes_part_sends_one_row_for_the_only_item():
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    part = np.array([True, False, True, True, False])
    uploads = one_row_each(jnp.asarray(rows), jnp.asarray(part), jnp.ones((1, 4)))
    assert uploads.num_items == 1
    assert uploads.participants == 3
    np.testing.assert_array_equal(row_counts(uploads), [3])
    np.testing.assert_allclose(item_sums(uploads), rows[part].sum(axis=0)[None], 1e-6)
    np.testing.assert_array_equal(rows_of(uploads, jnp.arange(5)), rows)
    # Side by side for rules that need them so.
    (group,) = uploads.groups
    np.testing.assert_array_equal(group.items, [0])
    found, weights = rows_of_item(uploads, jnp.int32(0), group.rows[0], 7)
    np.testing.assert_array_equal(np.asarray(found)[:5], rows)
    np.testing.assert_array_equal(weights, [*part, 0, 0])
