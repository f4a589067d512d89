"""The container of uploads: its rows, their sums, and tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.uploads import (
    Uploads,
    append_item_table,
    group_rows,
    item_sums,
    item_table,
    plan_item_slots,
    row_counts,
    rows_of,
)

from .samples import DIM, NUM_ITEMS, NUM_ROWS, materialised, random_uploads

some_seeds = given(seed=st.integers(0, 10**6))
some_examples = settings(max_examples=30, deadline=None)


def loop_sums(uploads: Uploads) -> np.ndarray:
    sums = np.zeros((NUM_ITEMS, DIM))
    rows = materialised(uploads)
    for item, weight, row in zip(uploads.item, uploads.weight, rows, strict=True):
        sums[item] += weight * row
    return sums


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


# --- Rows, counts, sums ---


@some_seeds
@some_examples
def test_a_row_is_its_multiples_of_vector_and_item_added_up(seed):
    uploads = random_uploads(seed)
    found = jax.jit(rows_of)(uploads, jnp.arange(NUM_ROWS))
    np.testing.assert_allclose(found, materialised(uploads), rtol=1e-5, atol=1e-6)


def test_rows_may_be_asked_for_in_any_shape_and_order():
    uploads = random_uploads(0)
    index = jnp.array([[3, 3], [39, 0]])
    found = rows_of(uploads, index)
    expected = materialised(uploads)[np.asarray(index)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@some_seeds
@some_examples
def test_counts_and_sums_take_each_row_as_often_as_it_weighs(seed):
    uploads = random_uploads(seed)
    expected = np.bincount(uploads.item, uploads.weight, NUM_ITEMS)
    np.testing.assert_array_equal(row_counts(uploads), expected)
    found = jax.jit(item_sums)(uploads)
    np.testing.assert_allclose(found, loop_sums(uploads), rtol=1e-5, atol=1e-5)


def test_an_item_without_rows_has_count_and_sum_zero():
    uploads = random_uploads(1)
    for field in (row_counts(uploads), item_sums(uploads)):
        np.testing.assert_array_equal(field[2:4], 0)


# --- Tables ---


def test_a_table_holds_its_rows_as_they_are_item_by_item():
    table = random_table(0, rows_per_item=3)
    assert table.num_items == NUM_ITEMS
    assert table.participants == 7
    np.testing.assert_array_equal(table.item, np.repeat(np.arange(NUM_ITEMS), 3))
    found = rows_of(table, jnp.arange(table.item.size))
    np.testing.assert_array_equal(found, table.vectors)


@pytest.mark.parametrize("rows_per_item", [1, 2])
def test_a_table_is_appended_behind_all_rows(rows_per_item):
    uploads, table = random_uploads(2), random_table(3, rows_per_item)
    both = append_item_table(uploads, table)
    table_on_same_items = table._replace(item_embeddings=uploads.item_embeddings)
    np.testing.assert_allclose(
        materialised(both),
        np.vstack([materialised(uploads), materialised(table_on_same_items)]),
    )
    np.testing.assert_array_equal(
        row_counts(both), row_counts(uploads) + row_counts(table)
    )
    np.testing.assert_array_equal(both.item_embeddings, uploads.item_embeddings)
    assert both.participants == NUM_ROWS + 7
    assert both.groups == ()


@pytest.mark.parametrize("rows_per_item", [1, 2])
def test_appended_rows_stand_last_in_their_items_group(rows_per_item):
    uploads, table = random_uploads(4), random_table(5, rows_per_item)
    plan = plan_item_slots(np.bincount(uploads.item, minlength=NUM_ITEMS), 2)
    groups, _ = group_rows(uploads.item, uploads.weight > 0, jnp.arange(NUM_ROWS), plan)
    both = append_item_table(uploads._replace(groups=groups), table)
    for before, after in zip(groups, both.groups, strict=True):
        np.testing.assert_array_equal(after.items, before.items)
        for item, old, new in zip(before.items, before.rows, after.rows, strict=True):
            behind = NUM_ROWS + np.flatnonzero(table.item == item)
            np.testing.assert_array_equal(new, [*old, *behind])


def test_tables_may_be_appended_one_after_the_other():
    uploads, tables = random_uploads(6), [random_table(seed) for seed in (7, 8)]
    everything = uploads
    for table in tables:
        everything = append_item_table(everything, table)
    found = item_sums(everything)
    expected = item_sums(uploads) + item_sums(tables[0]) + item_sums(tables[1])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
