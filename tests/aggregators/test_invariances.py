"""What no rule depends on, and what every rule follows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.aggregators import aggregate, norm
from jaxfr.uploads import Uploads, row_counts

from .oracles import (
    BASIC_RULES,
    CLIP_NORM,
    DENSE_RULES,
    ONE_DENSE,
    PLAIN_RULES,
    aggregated,
    settled_items,
)
from .samples import (
    DIM,
    NUM_ITEMS,
    NUM_ROWS,
    few_rows,
    grouped,
    make_uploads,
    quarters,
    rows_of_any_kind,
    scaled,
)

some_examples = settings(max_examples=30)
byzantine_numbers = st.integers(0, 10)
names_of_items = st.permutations(range(NUM_ITEMS)).map(np.array)
orders_of_rows = st.permutations(range(NUM_ROWS)).map(np.array)


def every(rules: dict) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("rule", "oracle"), rules.values(), ids=rules)


def assert_same(found, expected, items: np.ndarray | slice = np.s_[:]) -> None:
    found, expected = np.asarray(found)[items], np.asarray(expected)[items]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@every(PLAIN_RULES | ONE_DENSE)
@given(
    uploads=rows_of_any_kind(),
    byzantine=byzantine_numbers,
    names=names_of_items,
    order=orders_of_rows,
)
@some_examples
def test_names_and_rows_that_nobody_sent_do_not_matter(
    rule, oracle, uploads, byzantine, names, order
):
    """Bit for bit: those of items, those of clients, and whatever padding holds."""
    del oracle
    places, absent = np.argsort(names), np.asarray(uploads.weight) == 0
    tables = tuple(
        table._replace(rows=jnp.where(table.weight[..., None] == 0, 1e30, table.rows))
        for table in uploads.tables
    )
    renamed = uploads._replace(
        item=jnp.asarray(names, jnp.int32)[jnp.where(absent, 0, uploads.item)],
        scale=jnp.where(absent, 1e30, uploads.scale),
        vectors=uploads.vectors[order],
        vector=jnp.argsort(jnp.asarray(order))[uploads.vector],
        item_embeddings=uploads.item_embeddings[places],
        tables=jax.tree.map(lambda field: field[places], tables),
    )
    found = aggregated(rule, grouped(renamed), byzantine)
    np.testing.assert_array_equal(found[names], aggregated(rule, uploads, byzantine))


@every(PLAIN_RULES)
@given(uploads=few_rows(), byzantine=byzantine_numbers, order=orders_of_rows)
@some_examples
def test_the_order_of_uploads_does_not_matter(rule, oracle, uploads, byzantine, order):
    fields = ("item", "weight", "vector", "scale", "item_scale")
    reordered = {field: getattr(uploads, field)[order] for field in fields}
    found = aggregated(rule, grouped(uploads._replace(**reordered)), byzantine)
    settled = settled_items(oracle, uploads, byzantine)
    assert_same(found, aggregated(rule, uploads, byzantine), settled)


@every(BASIC_RULES)
@given(
    uploads=rows_of_any_kind(),
    byzantine=byzantine_numbers,
    shift=quarters(DIM, 4),
    factor=st.integers(-8, 8).map(lambda exponent: 2.0**exponent),
)
@some_examples
def test_a_rule_follows_rows_that_are_shifted_and_scaled(
    rule, oracle, uploads, byzantine, shift, factor
):
    shift = jnp.asarray(shift, jnp.float32)
    still = uploads._replace(
        scale=jnp.ones(NUM_ROWS), item_scale=jnp.zeros_like(uploads.item_scale)
    )
    shifted = still._replace(
        vectors=still.vectors + shift,
        tables=tuple(table._replace(rows=table.rows + shift) for table in still.tables),
    )
    found = aggregated(rule, scaled(shifted, factor), byzantine) / factor
    expected = aggregated(rule, still, byzantine) + shift
    settled = settled_items(oracle, still, byzantine)
    assert_same(found, expected, (np.asarray(row_counts(still)) > 0) & settled)


@jax.jit
def clipped_means(uploads: Uploads, clip_norm: float) -> jax.Array:
    rule = norm(clip_norm).make()
    return aggregate(rule, uploads, jnp.int32(0))[0].rows


@given(uploads=rows_of_any_kind(), factor=st.floats(0.01, 100))
@some_examples
def test_norm_follows_a_scale_that_its_bound_follows(uploads, factor):
    found = clipped_means(scaled(uploads, factor), CLIP_NORM * factor) / factor
    assert_same(found, clipped_means(uploads, CLIP_NORM))


@pytest.mark.parametrize("name", ["median", "krum"])
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
