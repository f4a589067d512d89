"""Every rule, one clipped and one in dense form, against a loop over items."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.uploads import plan_item_slots

from .oracles import (
    BASIC_RULES,
    FIXED_RULES,
    ONE_DENSE,
    PLAIN_RULES,
    RULES,
    aggregated,
    assert_right,
    loose,
    run,
)
from .samples import (
    DIM,
    NUM_ROWS,
    every_kind,
    factored_uploads,
    grouped,
    rows_of_any_kind,
    rows_of_one_item,
)

# Clipping rounds, and among rows equal but for rounding float32 may choose another.
EXACT_RULES = BASIC_RULES | FIXED_RULES | ONE_DENSE
# A sum of the largest numbers overflows.
BOUNDED_RULES = {
    name: rule for name, rule in PLAIN_RULES.items() if name not in ("mean", "shrink")
}
every_rule = pytest.mark.parametrize(("rule", "oracle"), RULES.values(), ids=RULES)
every_exact_rule = pytest.mark.parametrize(
    ("rule", "oracle"), EXACT_RULES.values(), ids=EXACT_RULES
)
every_plain_rule = pytest.mark.parametrize(
    ("rule", "oracle"), PLAIN_RULES.values(), ids=PLAIN_RULES
)
every_bounded_rule = pytest.mark.parametrize(
    ("rule", "oracle"), BOUNDED_RULES.values(), ids=BOUNDED_RULES
)

SMALL_COUNTS = [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 12, 0), (0, 0, NUM_ROWS, 0)]
EXPECTED_BYZANTINE = [0, 1, 3, 5, 20]


@every_rule
@every_kind
def test_a_rule_equals_its_definition_for_small_counts(rule, oracle, kind):
    """A row counts as often as it weighs; those of one item may be all equal."""
    for counts in SMALL_COUNTS:
        once = factored_uploads(counts, seed=0, kind=kind)
        often = factored_uploads(counts, seed=1, max_weight=4, kind=kind)
        equal = once._replace(
            scale=jnp.zeros(once.scale.shape),
            item_scale=jnp.ones(once.item_scale.shape),
            tables=tuple(
                table._replace(rows=once.item_embeddings[:, None] + 0 * table.rows)
                for table in once.tables
            ),
        )
        for uploads, byzantine in itertools.product(
            map(grouped, (once, often, equal)), EXPECTED_BYZANTINE
        ):
            found = aggregated(rule, uploads, byzantine)
            assert_right(found, oracle, uploads, byzantine)


@every_exact_rule
@given(uploads=rows_of_any_kind(), byzantine=st.integers(0, 12))
@settings(max_examples=60)
def test_a_rule_equals_its_definition_where_numbers_tie(
    rule, oracle, uploads, byzantine
):
    found = aggregated(rule, uploads, byzantine)
    assert_right(found, oracle, uploads, byzantine)


@pytest.mark.device
@every_plain_rule
@every_kind
def test_a_rule_equals_its_definition_for_thousands_of_rows(rule, oracle, kind):
    counts = np.array([2000, 0, 2, 300])
    uploads = factored_uploads(counts.tolist(), seed=3, kind=kind)
    heavy = np.where(np.arange(uploads.item.size) % 500 == 0, 90, 1)
    uploads = uploads._replace(
        weight=uploads.weight * heavy, participants=uploads.participants + 500
    )
    uploads = grouped(uploads, plan_item_slots(counts, 2))
    for byzantine in (0, 300, 3000):
        found = aggregated(rule, uploads, byzantine)
        assert_right(found, oracle, uploads, byzantine)


@pytest.mark.device
@every_rule
@every_kind
def test_a_row_that_is_not_finite_counts_as_not_uploaded(rule, oracle, kind):
    uploads = grouped(factored_uploads([7, 7, 7, 7], seed=4, max_weight=3, kind=kind))
    uploads = uploads._replace(
        vectors=uploads.vectors.at[0, 0].set(np.nan).at[1, 2].set(-np.inf),
        scale=uploads.scale.at[2].set(np.inf).at[3].set(np.nan),
        item_embeddings=uploads.item_embeddings.at[1, 1].set(np.inf),
        tables=tuple(
            table._replace(rows=table.rows.at[:2, 0, 1].set(np.nan))
            for table in uploads.tables
        ),
    )
    if not kind.one_item_scale:
        item_scale = uploads.item_scale.at[4].set(np.nan).at[5].set(-np.inf)
        uploads = uploads._replace(item_scale=item_scale)
    _, weight, _, finite = loose(uploads)
    dropped = weight[~finite].sum()
    found, counted = run(rule, uploads, 2)
    assert 10 < dropped == counted
    assert_right(np.asarray(found.rows), oracle, uploads, 2)


@every_bounded_rule
@pytest.mark.parametrize("size", [1e20, 3e38])
def test_few_rows_of_any_size_leave_a_finite_row(rule, oracle, size):
    del oracle
    alone, both = np.full((1, DIM), size), [[size] * DIM, [-size] * DIM]
    for outliers in (alone, -alone, both):
        rows = np.concatenate([np.ones((5, DIM)), outliers])
        found = aggregated(rule, rows_of_one_item(rows), len(outliers))
        assert np.all(np.isfinite(found)), found[0]


@every_rule
@every_kind
def test_an_item_without_a_row_gets_zero(rule, oracle, kind):
    del oracle
    uploads = factored_uploads([3, 0, 2, 1], seed=5, kind=kind)
    tables = (table._replace(weight=table.weight * 0) for table in uploads.tables)
    nobody = uploads._replace(weight=uploads.weight * 0, tables=tuple(tables))
    np.testing.assert_array_equal(aggregated(rule, grouped(nobody), 1), 0)
    sparse = grouped(uploads._replace(participants=uploads.participants * 0))
    np.testing.assert_array_equal(aggregated(rule, sparse, 1)[1], 0)
