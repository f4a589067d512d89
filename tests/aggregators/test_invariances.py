"""What every rule must not depend on, and what it must follow."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.aggregators import Rule, aggregate, norm
from jaxfr.uploads import Uploads, plan_item_slots, row_counts

from .oracles import (
    BASIC_RULES,
    CLIP_NORM,
    DENSE_RULES,
    ONE_DENSE,
    PLAIN_RULES,
    Oracle,
    aggregated,
    loose,
    settled_items,
)
from .samples import (
    DIM,
    KINDS,
    NUM_ITEMS,
    NUM_ROWS,
    few_rows,
    grouped,
    make_uploads,
    quarters,
    rows_of_any_kind,
    scaled,
)

some_examples = settings(max_examples=20)
more_examples = settings(max_examples=40)
byzantine_numbers = st.integers(0, 10)
powers_of_two = st.integers(-8, 8).map(lambda exponent: 2.0**exponent)
row_orders = st.permutations(range(NUM_ROWS)).map(np.array)


def every(rules: dict[str, tuple[Rule, Oracle]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("rule", "oracle"), rules.values(), ids=rules)


def map_rows(uploads: Uploads, change: Callable[[jax.Array], jax.Array]) -> Uploads:
    """Changes every field that has an entry per row, and groups the rows anew."""
    changed = {
        field: change(getattr(uploads, field))
        for field in ("item", "weight", "vector", "scale", "item_scale")
    }
    return grouped(uploads._replace(**changed))


def assert_same(
    found: np.ndarray, expected: np.ndarray, items: np.ndarray | slice = np.s_[:]
) -> None:
    np.testing.assert_allclose(found[items], expected[items], rtol=1e-5, atol=1e-6)


def one_by_one(uploads: Uploads) -> Uploads:
    """The same rows in the same order, each with a vector of its own, in no table."""
    item, weight, rows, _ = loose(uploads)
    plan = plan_item_slots(np.full(NUM_ITEMS, len(item)), 1)
    apart = make_uploads(
        item=item,
        weight=weight,
        vectors=rows,
        item_embeddings=uploads.item_embeddings,
        participants=int(uploads.participants),
    )
    return grouped(apart, plan)


@every(PLAIN_RULES | ONE_DENSE)
@given(uploads=few_rows(kind=KINDS["bundles_and_tables"]), byzantine=byzantine_numbers)
@some_examples
def test_how_rows_are_held_does_not_matter(rule, oracle, uploads, byzantine):
    settled = settled_items(oracle, uploads, byzantine)
    found = aggregated(rule, uploads, byzantine)
    assert_same(found, aggregated(rule, one_by_one(uploads), byzantine), settled)


@every(PLAIN_RULES)
@given(uploads=few_rows(), byzantine=byzantine_numbers, order=row_orders)
@some_examples
def test_the_order_of_uploads_does_not_matter(rule, oracle, uploads, byzantine, order):
    settled = settled_items(oracle, uploads, byzantine)
    reordered = map_rows(uploads, lambda field: field[order])
    found = aggregated(rule, reordered, byzantine)
    assert_same(found, aggregated(rule, uploads, byzantine), settled)


@every(PLAIN_RULES)
@given(uploads=rows_of_any_kind(), byzantine=byzantine_numbers, names=row_orders)
@more_examples
def test_the_names_of_clients_do_not_matter(rule, oracle, uploads, byzantine, names):
    del oracle
    renamed = uploads._replace(
        vectors=uploads.vectors[names],
        vector=jnp.argsort(jnp.asarray(names))[uploads.vector],
    )
    np.testing.assert_array_equal(
        aggregated(rule, renamed, byzantine), aggregated(rule, uploads, byzantine)
    )


@every(PLAIN_RULES)
@given(uploads=few_rows(), byzantine=byzantine_numbers)
@some_examples
def test_a_row_of_weight_w_equals_w_rows(rule, oracle, uploads, byzantine):
    copies = np.repeat(np.arange(NUM_ROWS), uploads.weight)
    filled = np.pad(copies, (0, NUM_ROWS - len(copies)))
    apart = map_rows(uploads, lambda field: field[filled])
    apart = grouped(apart._replace(weight=jnp.int32(np.arange(NUM_ROWS) < len(copies))))
    settled = settled_items(oracle, uploads, byzantine)
    found = aggregated(rule, apart, byzantine)
    assert_same(found, aggregated(rule, uploads, byzantine), settled)


@every(PLAIN_RULES | ONE_DENSE)
@given(
    uploads=rows_of_any_kind(),
    byzantine=byzantine_numbers,
    names=st.permutations(range(NUM_ITEMS)).map(np.array),
)
@more_examples
def test_each_item_is_aggregated_on_its_own(rule, oracle, uploads, byzantine, names):
    del oracle
    places = np.argsort(names)
    renamed = uploads._replace(
        item=jnp.asarray(names, jnp.int32)[uploads.item],
        item_embeddings=uploads.item_embeddings[places],
        tables=jax.tree.map(lambda field: field[places], uploads.tables),
    )
    found = aggregated(rule, grouped(renamed), byzantine)
    np.testing.assert_array_equal(found[names], aggregated(rule, uploads, byzantine))


@every(BASIC_RULES)
@given(uploads=rows_of_any_kind(), byzantine=byzantine_numbers, shift=quarters(DIM, 4))
@more_examples
def test_shifting_all_rows_shifts_the_result(rule, oracle, uploads, byzantine, shift):
    shift = jnp.asarray(shift, jnp.float32)
    still = uploads._replace(
        scale=jnp.ones(NUM_ROWS), item_scale=jnp.zeros_like(uploads.item_scale)
    )
    shifted = still._replace(
        vectors=still.vectors + shift,
        tables=tuple(table._replace(rows=table.rows + shift) for table in still.tables),
    )
    received = np.asarray(row_counts(still)) > 0
    found = aggregated(rule, shifted, byzantine)
    expected = aggregated(rule, still, byzantine) + shift
    settled = settled_items(oracle, still, byzantine)
    assert_same(found, expected, received & settled)


@every(BASIC_RULES | ONE_DENSE)
@given(uploads=rows_of_any_kind(), byzantine=byzantine_numbers, factor=powers_of_two)
@more_examples
def test_scaling_all_rows_scales_the_result(rule, oracle, uploads, byzantine, factor):
    found = aggregated(rule, scaled(uploads, factor), byzantine) / factor
    settled = settled_items(oracle, uploads, byzantine)
    assert_same(found, aggregated(rule, uploads, byzantine), settled)


@jax.jit
def clipped_means(uploads: Uploads, clip_norm: float) -> jax.Array:
    rule = norm(clip_norm).make()
    return aggregate(rule, uploads, jnp.int32(0))[0].rows


@given(uploads=rows_of_any_kind(), factor=st.floats(0.01, 100))
@more_examples
def test_norm_follows_a_scale_that_its_bound_follows(uploads, factor):
    found = clipped_means(scaled(uploads, factor), CLIP_NORM * factor) / factor
    expected = clipped_means(uploads, CLIP_NORM)
    assert_same(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("name", BASIC_RULES)
@given(rows=quarters((NUM_ROWS, DIM), 2), byzantine=byzantine_numbers)
@some_examples
def test_sparse_is_dense_where_everybody_uploads_everything(name, rows, byzantine):
    num_clients = NUM_ROWS // NUM_ITEMS
    uploads = make_uploads(
        item=np.tile(np.arange(NUM_ITEMS), num_clients),
        weight=np.ones(NUM_ROWS),
        vectors=rows,
        item_embeddings=np.zeros((NUM_ITEMS, DIM)),
        participants=num_clients,
    )
    (sparse, _), (dense, _) = BASIC_RULES[name], DENSE_RULES[f"dense_{name}"]
    np.testing.assert_array_equal(
        aggregated(dense, grouped(uploads), byzantine),
        aggregated(sparse, grouped(uploads), byzantine),
    )


@every(PLAIN_RULES | ONE_DENSE)
@given(uploads=rows_of_any_kind(), byzantine=byzantine_numbers)
@more_examples
def test_rows_that_nobody_sent_do_not_matter(rule, oracle, uploads, byzantine):
    del oracle
    absent = np.asarray(uploads.weight) == 0
    different = uploads._replace(
        scale=jnp.where(absent, 1e30, uploads.scale),
        item=jnp.where(absent, 0, uploads.item),
        tables=tuple(
            table._replace(
                rows=jnp.where(table.weight[..., None] == 0, 1e30, table.rows)
            )
            for table in uploads.tables
        ),
    )
    np.testing.assert_array_equal(
        aggregated(rule, different, byzantine), aggregated(rule, uploads, byzantine)
    )
