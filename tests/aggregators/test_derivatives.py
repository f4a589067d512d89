"""Derivatives of every rule with respect to all numbers that rows are made of."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.typing import ArrayLike

from jaxfr.aggregators import Rule, aggregate, by_item, clip_by_norm, norm
from jaxfr.aggregators.order_statistics import (
    kth_smallest,
    middle_values,
    sum_of_smallest,
    weighted_median,
)
from jaxfr.devices import OWN, spread
from jaxfr.uploads import Uploads, item_table, row_counts
from tests.uploads.samples import Kind, on_devices

from .oracles import ALL_RULES, BASIC_RULES, RULES, Oracle, right_answers, settled_items
from .samples import (
    DIM,
    KINDS,
    every_kind,
    factored_uploads,
    grouped,
    rows_of_any_kind,
    rows_of_one_item,
)

BYZANTINE = 2
COUNTS = [9, 5, 12, 0]
DIRECTIONS = 3
# Each rule whose derivative has a way of its own; rows in tables and out of them.
RULES_AND_KINDS = [
    *(("mean", "single_rows"), ("median", "single_rows"), ("norm", "single_rows")),
    *(("mean", "bundles_and_tables"), ("norm", "bundles_and_tables")),
    *(("classic_trimmed_mean", "bundles_and_tables"),),
    *(("geometric_median", "bundles_and_tables"), ("shrink", "single_rows")),
    *(("bucketed_median", "single_rows"), ("mixed_median", "bundles_and_tables")),
    *(("arc_mean", "bundles_and_tables"),),
    *(("centred_clipping", "bundles_and_tables"), ("multi_krum", "single_rows")),
    *(("dense_trimmed_mean", "bundles_and_tables"),),
    *(("clipped_krum", "bundles_and_tables"),),
]
SEARCHING = ["median", "trimmed_mean", "classic_trimmed_mean", "krum", "multi_krum"]
searching_rules = pytest.mark.parametrize("name", SEARCHING)
some_rules = pytest.mark.parametrize(
    "name", ["median", "clipped_krum", "dense_trimmed_mean"]
)


class Numbers(NamedTuple):
    """What the rows of uploads are made of."""

    scale: jax.Array
    item_scale: jax.Array
    vectors: jax.Array
    item_embeddings: jax.Array
    tables: tuple[jax.Array, ...]


def numbers_of(uploads: Uploads) -> Numbers:
    tables = tuple(table.rows for table in uploads.tables)
    fields = (getattr(uploads, name) for name in Numbers._fields if name != "tables")
    return Numbers._make([*fields, tables])


def with_numbers(uploads: Uploads, numbers: Numbers) -> Uploads:
    pairs = zip(uploads.tables, numbers.tables, strict=True)
    tables = tuple(table._replace(rows=rows) for table, rows in pairs)
    return uploads._replace(**numbers._asdict() | {"tables": tables})


def as_function(rule: Rule, uploads: Uploads) -> Callable[[Numbers], jax.Array]:
    """The rule's row of each item as a function of the numbers."""

    def rows(numbers: Numbers) -> jax.Array:
        changed = with_numbers(uploads, numbers)
        return aggregate(rule, changed, jnp.int32(BYZANTINE))[0].rows

    return rows


def drawn_like(tree: Numbers, seed: int) -> Numbers:
    """So many random directions of the numbers, stacked."""
    generator = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: generator.normal(size=(DIRECTIONS, *leaf.shape)).astype("f4"), tree
    )


def differences(
    oracle: Oracle, uploads: Uploads, directions: Numbers, step: float = 1e-6
) -> np.ndarray:
    """The change of each item's row along each direction, by a loop in float64."""

    def answers(direction: Numbers, size: float) -> np.ndarray:
        numbers = jax.tree.map(
            lambda number, change: np.asarray(number, float) + size * change,
            numbers_of(uploads),
            direction,
        )
        found = right_answers(oracle, with_numbers(uploads, numbers), BYZANTINE)
        return np.stack([rows[0] for rows, _ in found])

    def along(index: int) -> np.ndarray:
        direction = jax.tree.map(lambda leaf: leaf[index], directions)
        return (answers(direction, step) - answers(direction, -step)) / (2 * step)

    return np.stack(list(map(along, range(DIRECTIONS))))


def products(left: Numbers, right: Numbers) -> np.ndarray:
    """The inner product of every one on the left with every one on the right."""

    def flat(stacked: Numbers) -> np.ndarray:
        leaves = jax.tree.leaves(stacked)
        return np.concatenate(
            [np.reshape(leaf, (DIRECTIONS, -1)) for leaf in leaves], 1
        )

    return flat(left) @ flat(right).T


# --- every rule ---


@pytest.mark.parametrize(("name", "kind"), RULES_AND_KINDS)
def test_derivatives_equal_differences_both_ways(name, kind):
    rule, oracle = RULES[name]
    uploads = factored_uploads(COUNTS, seed=0, max_weight=3, kind=KINDS[kind])
    uploads = grouped(uploads)
    directions = drawn_like(numbers_of(uploads), seed=1)
    cotangents = np.random.default_rng(2).normal(size=(DIRECTIONS, len(COUNTS), DIM))

    def derivatives(uploads: Uploads) -> tuple[jax.Array, Numbers]:
        rows, numbers = as_function(rule, uploads), numbers_of(uploads)
        forward = jax.vmap(lambda along: jax.jvp(rows, (numbers,), (along,))[1])
        (reverse,) = jax.vmap(jax.vjp(rows, numbers)[1])(jnp.float32(cotangents))
        return forward(directions), reverse

    run = jax.jit(derivatives)
    forward, reverse = run(uploads)
    settled = settled_items(oracle, uploads, BYZANTINE)
    assert np.any(settled & (np.array(COUNTS) > 0))
    expected = differences(oracle, uploads, directions)
    np.testing.assert_allclose(
        forward[:, settled], expected[:, settled], rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(
        products(Numbers(*reverse), directions),
        np.einsum("cmd,fmd->cf", cotangents, forward),
        atol=1e-3,
    )


@searching_rules
@given(uploads=rows_of_any_kind())
@settings(max_examples=30)
def test_an_item_s_row_moves_with_its_rows_also_where_they_tie(name, uploads):
    """If all of them move alike: shares of tied rows add up to the whole."""
    uploads = uploads._replace(item_scale=jnp.ones_like(uploads.item_scale))
    move = np.random.default_rng(0).normal(size=uploads.item_embeddings.shape)
    move = jnp.asarray(move, jnp.float32)
    still = jax.tree.map(jnp.zeros_like, numbers_of(uploads))
    tables = tuple(jnp.broadcast_to(move[:, None], rows.shape) for rows in still.tables)
    along = still._replace(item_embeddings=move, tables=tables)
    found = moved(name, uploads, along)
    received = row_counts(uploads)[:, None] > 0
    np.testing.assert_allclose(found, jnp.where(received, move, 0), atol=1e-5)


def _moved(name: str, uploads: Uploads, along: Numbers) -> jax.Array:
    rows = as_function(BASIC_RULES[name][0], uploads)
    return jax.jvp(rows, (numbers_of(uploads),), (along,))[1]


moved = jax.jit(_moved, static_argnums=0)


@pytest.mark.parametrize("name", ["median", "clipped_krum"])
def test_the_derivative_through_rounds_of_a_scan_is_that_of_the_rounds(name):
    uploads = grouped(factored_uploads(COUNTS, 3, kind=KINDS["bundles_and_tables"]))
    rows = as_function(RULES[name][0], uploads)
    numbers = numbers_of(uploads)

    def one_round(table: jax.Array, _: None) -> tuple[jax.Array, None]:
        return table - 0.5 * rows(numbers._replace(item_embeddings=table)), None

    def scanned(table: jax.Array) -> jax.Array:
        return jnp.sum(jax.lax.scan(one_round, table, length=2)[0] ** 2)

    def in_a_row(table: jax.Array) -> jax.Array:
        return jnp.sum(one_round(one_round(table, None)[0], None)[0] ** 2)

    found, expected = (
        jax.jit(jax.grad(rounds))(numbers[3]) for rounds in (scanned, in_a_row)
    )
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# --- order statistics ---

COUNT = 9
distinct = st.permutations(range(COUNT)).map(lambda ranks: np.array(ranks, "f4") - 4)
weights = st.lists(st.integers(0, 3), min_size=COUNT, max_size=COUNT).filter(any)
weights = weights.map(np.array)
gradients = jax.jit(jax.vmap(jax.grad(kth_smallest), (None, None, 0)))
of_middle_values = jax.jit(jax.jacrev(middle_values))
of_median = jax.jit(jax.grad(weighted_median))
of_sums = jax.jit(jax.vmap(jax.grad(sum_of_smallest), (None, None, 0)))


@given(values=distinct, weights=weights)
def test_the_derivative_of_an_order_statistic_is_that_of_its_row(values, weights):
    order = np.argsort(values)
    holder = np.repeat(order, weights[order])
    ranks = np.arange(len(holder))
    given_ranks = jnp.arange(1, 3 * COUNT + 1)
    found = gradients(values, weights, given_ranks)[: len(holder)]
    expected = np.eye(COUNT)[holder]
    np.testing.assert_array_equal(found, expected)
    sums = of_sums(values, weights, given_ranks)[: len(holder)]
    np.testing.assert_array_equal(sums, np.cumsum(expected, axis=0)[ranks])


@given(values=distinct, weights=weights)
def test_the_derivative_of_a_median_is_that_of_its_middle_rows(values, weights):
    order = np.argsort(values)
    holder = np.repeat(order, weights[order])
    middle = holder[[(len(holder) - 1) // 2, len(holder) // 2]]
    found = np.stack(of_middle_values(values, weights))
    np.testing.assert_array_equal(found, np.eye(COUNT)[middle])
    found = of_median(values, weights)
    np.testing.assert_array_equal(found, np.eye(COUNT)[middle].mean(axis=0))


def test_tied_values_share_the_derivative_in_proportion_to_their_weights():
    values = jnp.array([1.0, 2.0, 2.0, 2.0, 3.0])
    weights = jnp.array([2, 1, 3, 0, 2])
    expected = [0, 0.25, 0.75, 0, 0]
    for rank in (3, 4, 6):
        found = jax.grad(kth_smallest)(values, weights, jnp.int32(rank))
        np.testing.assert_array_equal(found, expected)
    found = jax.grad(weighted_median)(values, weights)
    np.testing.assert_array_equal(found, expected)
    found = jax.grad(sum_of_smallest)(values, weights, jnp.int32(4))
    np.testing.assert_array_equal(found, [2, 0.5, 1.5, 0, 0])


@searching_rules
def test_reverse_derivatives_keep_nothing_of_a_search(name):
    """A few numbers of each row, where 32 passes would keep 32; and no loop is left."""
    rows = np.random.default_rng(0).normal(size=(1, 512, DIM))
    weight, table = np.ones((1, 512), int), jnp.ones((1, DIM))
    sent = item_table(jnp.float32(rows), jnp.asarray(weight), table, jnp.int32(512))
    sent = grouped(sent, ())
    found, back = jax.vjp(as_function(RULES[name][0], sent), numbers_of(sent))
    assert sum(leaf.size for leaf in jax.tree.leaves(back)) <= 8 * rows.size
    loops = {"while", "scan"}
    assert not loops & {eqn.primitive.name for eqn in jax.make_jaxpr(back)(found).eqns}


# --- clipping ---


@pytest.mark.parametrize("size", [0.0, 1e-30, 0.5, 0.99, 1.01, 3.0, 1e10, 1e25])
def test_the_derivative_of_a_clipped_row_is_the_part_across_it(size):
    """And of one that is not clipped, a row of zeros too, is that of the row."""
    unit = np.array([2.0, -1.0, 2.0]) / 3
    across = np.eye(DIM) - np.outer(unit, unit)
    expected = across / size if size > 1 else np.eye(DIM)
    scattered = jacobian(rows_of_one_item([size * unit])).vectors[0, :, 0]
    in_a_table = jacobian(one_row_in_a_table(size * unit)).tables[0][0, :, 0, 0]
    for found in (scattered, in_a_table):
        atol = 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=atol)


@jax.jit
def jacobian(uploads: Uploads) -> Numbers:
    rule = norm(1.0).make()
    return jax.jacrev(as_function(rule, uploads))(numbers_of(uploads))


def one_row_in_a_table(row: np.ndarray) -> Uploads:
    rows = jnp.asarray(row, jnp.float32)[None, None]
    weight, embeddings = jnp.ones((1, 1), jnp.int32), jnp.ones((1, DIM))
    return item_table(rows, weight, embeddings, jnp.int32(1))


@pytest.mark.parametrize(("size", "grows"), [(0.0, 0), (0.5, 0), (3.0, 1), (1e25, 1)])
def test_a_clipped_row_grows_with_the_norm_that_it_is_clipped_to(size, grows):
    unit = np.array([2.0, -1.0, 2.0]) / 3
    uploads = one_row_in_a_table(size * unit)

    def row(clip_norm: jax.Array) -> jax.Array:
        clipped = clip_by_norm(clip_norm).make().on_arrival(uploads)
        return clipped.tables[0].rows[0, 0]

    found = jax.jacfwd(row)(jnp.float32(1.0))
    np.testing.assert_allclose(found, grows * unit, rtol=1e-5)


# --- rows that are not finite ---


@every_kind
@some_rules
def test_a_row_that_is_not_finite_has_no_derivative(name, kind):
    uploads = grouped(factored_uploads([7, 7, 7, 7], seed=4, kind=kind))
    uploads = uploads._replace(
        vectors=uploads.vectors.at[0, 0].set(np.nan),
        scale=uploads.scale.at[2].set(np.inf),
        tables=tuple(
            table._replace(rows=table.rows.at[0, 0, 1].set(np.nan))
            for table in uploads.tables
        ),
    )
    found = gradient(RULES[name][0], uploads)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found))
    np.testing.assert_array_equal(found.vectors[0], 0)
    assert found.scale[2] == 0
    for rows in found.tables:
        np.testing.assert_array_equal(rows[0, 0], 0)


def _gradient(rule: Rule, uploads: Uploads) -> Numbers:
    """Of some loss of all items' rows."""
    rows = as_function(rule, uploads)

    def loss(numbers: Numbers) -> jax.Array:
        found = rows(numbers)
        return jnp.sum(jnp.sin(found + jnp.arange(found.size).reshape(found.shape)))

    return jax.grad(loss)(numbers_of(uploads))


gradient = jax.jit(_gradient, static_argnums=0)


# --- over devices ---


BROUGHT = [
    "mean",
    "geometric_median",
    "centred_clipping",
    "krum",
    "clipped_median",
    "dense_trimmed_mean",
    "mixed_median",
    "bucketed_median",
]
COUNTED = ["trimmed_mean", "classic_trimmed_mean", "clipped_median"]


@pytest.mark.skipif("jax.device_count() < 4", reason="takes four devices")
@pytest.mark.parametrize(
    ("kind", "devices"), [(KINDS["single_rows"], 4), (KINDS["bundles_and_tables"], 2)]
)
@pytest.mark.parametrize(
    ("name", "counted"),
    [*((name, False) for name in BROUGHT), *((name, True) for name in COUNTED)],
)
def test_each_device_finds_the_derivatives_of_one_device(
    monkeypatch, name, counted, kind, devices
):
    """Whether rows are brought to one device or counted where they are."""
    monkeypatch.setattr(by_item, "network_between_devices", lambda: counted)
    monkeypatch.setattr(by_item, "COUNTS_PER_SEARCH", 0)
    uploads = factored_uploads(COUNTS, seed=0, max_weight=3, kind=kind)
    expected = gradient(ALL_RULES[name][0], grouped(uploads))
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(expected)) > 0.1
    found = gradient_on_each(ALL_RULES[name][0], uploads, devices)
    assert_same_derivatives(found, expected, kind, devices)


def test_each_device_finds_the_change_along_a_direction(monkeypatch):
    """Of counted rows that lie elsewhere, too."""
    monkeypatch.setattr(by_item, "network_between_devices", lambda: True)
    monkeypatch.setattr(by_item, "COUNTS_PER_SEARCH", 0)
    uploads = factored_uploads(COUNTS, seed=0, max_weight=3, kind=KINDS["single_rows"])

    def change(uploads: Uploads) -> jax.Array:
        numbers = numbers_of(uploads)
        rows = as_function(RULES["median"][0], grouped(uploads))
        return jax.jvp(rows, (numbers,), (jax.tree.map(jnp.sin, numbers),))[1]

    def on_each(stacked: Uploads) -> jax.Array:
        return change(jax.tree.map(lambda leaf: leaf[0], stacked))[None]

    expected = jax.jit(change)(uploads)
    assert np.abs(expected).max() > 0.1
    for found in jax.jit(spread(on_each, 3, (OWN,), OWN))(on_devices(uploads, 3)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def gradient_on_each(rule: Rule, uploads: Uploads, devices: int) -> Numbers:
    """What each device finds, stacked."""

    def on_each(stacked: Uploads) -> Numbers:
        own = jax.tree.map(lambda leaf: leaf[0], stacked)
        found = _gradient(rule, grouped(own))
        return jax.tree.map(lambda leaf: leaf[None], found)

    run = jax.jit(spread(on_each, devices, (OWN,), OWN))
    return run(on_devices(uploads, devices))


def assert_same_derivatives(
    found: Numbers, expected: Numbers, kind: Kind, devices: int
) -> None:
    """Own numbers have their part each, and what all have the same of has the whole."""

    def assert_close(found: ArrayLike, expected: ArrayLike) -> None:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    own = {"scale"} if kind.one_item_scale else {"scale", "item_scale"}
    for name in own:
        one = getattr(expected, name)
        assert_close(np.reshape(getattr(found, name), -1)[: one.size], one)
    # Each device has all vectors, in an order of its own.
    in_order = [np.roll(part, -device, 0) for device, part in enumerate(found.vectors)]
    assert_close(np.sum(in_order, axis=0), expected.vectors)
    for name in {*Numbers._fields} - own - {"vectors"}:
        copies, one = (jax.tree.leaves(getattr(by, name)) for by in (found, expected))
        for copy, whole in zip(copies, one, strict=True):
            assert_close(copy, np.broadcast_to(whole, (devices, *whole.shape)))
