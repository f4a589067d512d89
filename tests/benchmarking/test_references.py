"""The benchmark's references do what they are compared for."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import mean, norm
from jaxfr.benchmarking import reference_blocks, reference_loop, references
from jaxfr.benchmarking.reference_problem import (
    Embeddings,
    Problem,
    draw_embeddings,
    draw_negatives,
    expected_rows,
    plan_problem,
)
from jaxfr.data import SyntheticSettings
from jaxfr.data.synthetic import make_dataset
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.training import GivenValues, layout_for, start
from jaxfr.training.round import train_round

CLIP_NORM = 0.5
EXPERIMENT = Experiment(
    model=fedmf(3), learning_rate=0.2, regularization=0.1, num_candidates=6
)
SETTINGS = SyntheticSettings(num_users=30, num_items=50, num_pairs=400)
DATASET = make_dataset(SETTINGS)
NEGATIVES = draw_negatives(DATASET, np.random.default_rng(1))

# Compiles faster; what it compiles need not be fast here.
QUICK_COMPILE = {"xla_backend_optimization_level": 0}
one_start, one_round = (
    jax.jit(function, compiler_options=QUICK_COMPILE)
    for function in (start, train_round)
)


def problem() -> Problem:
    return plan_problem(
        DATASET.train_users,
        DATASET.train_items,
        NEGATIVES,
        DATASET.num_items,
        learning_rate=float(EXPERIMENT.learning_rate),
        regularization=float(EXPERIMENT.regularization),
        clip_norm=CLIP_NORM,
    )


@functools.cache
def before() -> Embeddings:
    """Embeddings a hundred times as large as jaxfr's, so that a round moves them."""
    drawn = draw_embeddings(DATASET, 3, np.random.default_rng(2))
    return Embeddings(100 * drawn.users, 100 * drawn.items)


@functools.cache
def after(aggregator: str) -> Embeddings:
    """What jaxfr makes of them in one round."""
    rule = {"mean": mean(), "norm": norm(CLIP_NORM)}[aggregator]
    experiment = dataclasses.replace(EXPERIMENT, aggregator=rule).with_data(
        DATASET.num_users
    )
    layout = layout_for(experiment, DATASET)
    users, items = map(jnp.asarray, before())
    given = GivenValues(users, items, jnp.asarray(NEGATIVES))
    setup, state = one_start(experiment, layout, jax.random.key(0), given)
    state, _ = one_round(experiment, layout, setup, state, jnp.int32(0))
    users, items = state.clients.embedding, state.item_embeddings
    return Embeddings(np.asarray(users), np.asarray(items))


@pytest.mark.parametrize(
    ("aggregator", "package"),
    [
        (aggregator, package)
        for aggregator, by_package in references.ROUND_REFERENCES.items()
        for package in by_package
    ],
)
def test_a_reference_computes_jaxfrs_round(aggregator, package):
    pytest.importorskip(package)
    found = references.ROUND_REFERENCES[aggregator][package](problem(), before())
    for ours, theirs, old in zip(after(aggregator), found, before(), strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
        assert np.abs(theirs - old).max() > 0.03


def test_a_negative_drawn_twice_is_in_play_and_sent_once():
    rows = {*zip(DATASET.train_users, DATASET.train_items, strict=True)}
    rows |= {*zip(DATASET.train_users, NEGATIVES, strict=True)}
    planned = problem()
    assert len(rows) < 2 * DATASET.num_train_pairs
    assert {*zip(planned.row_user, planned.row_item, strict=True)} == rows
    assert planned.row_user.size == planned.received.sum() == len(rows)


def test_clipping_is_in_play():
    assert np.abs(after("norm").items - after("mean").items).max() > 0.01


def test_the_loops_that_numba_compiles_are_right_without_it():
    found = reference_loop.round_by_loops(lambda loop: loop, problem(), before())
    for ours, theirs in zip(after("mean"), found, strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_a_missing_package_is_named():
    with pytest.raises(InvalidInputError, match="no_such_package"):
        references.require("no_such_package")


# --- negatives and rows ---


def test_negatives_are_uniform_over_what_a_user_does_not_hold():
    random = np.random.default_rng(0)
    drawn = np.array([draw_negatives(DATASET, random) for _ in range(2000)])
    mine = DATASET.train_users == 7
    others = np.setdiff1d(np.arange(DATASET.num_items), DATASET.train_items[mine])
    counts = np.bincount(drawn[:, mine].ravel(), minlength=DATASET.num_items)
    assert counts.sum() == counts[others].sum()
    expected = counts.sum() / others.size
    assert np.all(np.abs(counts[others] - expected) < 5 * np.sqrt(expected))


def test_the_expected_rows_are_the_average_of_drawn_ones():
    random = np.random.default_rng(0)
    pairs = DATASET.train_users, DATASET.train_items
    rows = [
        plan_problem(*pairs, draw_negatives(DATASET, random), 50).row_user.size
        for _ in range(200)
    ]
    assert np.mean(rows) == pytest.approx(expected_rows(DATASET), rel=0.01)


# --- blocks ---


def test_blocks_hold_as_many_rows_as_an_item_received():
    received = [np.array([1, 4]), np.array([0, 2, 3])]
    blocks = reference_blocks.draw_blocks(
        [(2, 4), (3, 5)], received, 2, np.inf, np.random.default_rng(0)
    )
    assert [block.shape for block in blocks] == [(2, 2, 4), (3, 2, 5)]
    assert reference_blocks.block_bytes([(2, 4), (3, 5)], 2) == sum(
        block.nbytes for block in blocks
    )
    for block, rows in zip(blocks, received, strict=True):
        finite = np.isfinite(block).sum(axis=2)
        np.testing.assert_array_equal(finite, np.stack([rows, rows], axis=1))


def test_products_are_counted_by_the_rows_of_an_item_and_their_columns():
    shapes, columns = [(2, 4), (3, 5)], 7
    assert reference_blocks.product_operations(shapes, columns) == sum(
        2 * items * size * size * columns for items, size in shapes
    )


@pytest.mark.parametrize(
    ("aggregator", "package"),
    [
        (aggregator, package)
        for aggregator, by_package in reference_blocks.BLOCK_REFERENCES.items()
        for package in by_package
    ],
)
def test_a_reference_over_blocks_leaves_them_as_they_are(aggregator, package):
    pytest.importorskip(package)
    block = np.random.default_rng(0).standard_normal((3, 2, 5), np.float32)
    kept = block.copy()
    reference_blocks.BLOCK_REFERENCES[aggregator][package]([block])
    np.testing.assert_array_equal(block, kept)
