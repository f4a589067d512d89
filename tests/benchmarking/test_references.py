"""The benchmark's references do what they are compared for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.benchmarking.case import Case
from jaxfr.benchmarking.reference_blocks import BLOCK_WORK, draw_blocks, pieces_of
from jaxfr.benchmarking.reference_rounds import (
    ROUND_REFERENCES,
    Embeddings,
    draw_embeddings,
    draw_negatives,
    expected_rows,
    mean_by_loops,
    plan_problem,
)
from jaxfr.benchmarking.references import item_blocks, seconds_of_products
from jaxfr.data import synthetic_dataset
from jaxfr.experiment import Experiment
from jaxfr.models import fedmf
from jaxfr.training import GivenValues, layout_for, plan_layout, simulate

EXPERIMENT = Experiment(
    model=fedmf(3), learning_rate=0.2, regularization=0.1, num_candidates=6
)
DATASET = synthetic_dataset(num_users=30, num_items=50, num_pairs=400)
NEGATIVES = draw_negatives(DATASET, np.random.default_rng(1))
PROBLEM = plan_problem(DATASET, NEGATIVES, learning_rate=0.2, regularization=0.1)
# A hundred times as large as jaxfr's, so that a round moves them.
BEFORE = Embeddings(
    *(100 * drawn for drawn in draw_embeddings(DATASET, 3, np.random.default_rng(2)))
)


@pytest.fixture(scope="module")
def after() -> Embeddings:
    """What jaxfr makes of them in one round."""
    users, items = map(jnp.asarray, BEFORE)
    given = GivenValues(users, items, jnp.asarray(NEGATIVES))
    layout = layout_for(EXPERIMENT.with_data(DATASET.num_users), DATASET)
    state, _ = jax.jit(
        lambda layout: simulate(EXPERIMENT, layout, rounds=1, given=given),
        compiler_options={"xla_backend_optimization_level": 0},
    )(layout)
    users, items = state.clients.embedding, state.item_embeddings
    return Embeddings(np.asarray(users), np.asarray(items))


def assert_is_the_round(found: Embeddings, after: Embeddings) -> None:
    for ours, theirs, old in zip(after, found, BEFORE, strict=True):
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
        assert np.abs(theirs - old).max() > 0.03


@pytest.mark.parametrize("package", ROUND_REFERENCES)
def test_a_reference_computes_jaxfrs_round(package, after):
    pytest.importorskip(package)
    assert_is_the_round(ROUND_REFERENCES[package](PROBLEM, BEFORE), after)


def test_the_loops_that_numba_compiles_are_right_without_it(after):
    assert_is_the_round(mean_by_loops(lambda loop: loop, PROBLEM, BEFORE), after)


def test_a_client_sends_one_row_for_a_negative_that_it_drew_twice():
    rows = {*zip(DATASET.train_users, DATASET.train_items, strict=True)}
    rows |= {*zip(DATASET.train_users, NEGATIVES, strict=True)}
    assert len(rows) < 2 * DATASET.num_train_pairs
    items = [item for _, item in rows]
    np.testing.assert_array_equal(PROBLEM.received, np.bincount(items, minlength=50))


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
    negatives = (draw_negatives(DATASET, random) for _ in range(200))
    rows = [plan_problem(DATASET, drawn).received.sum() for drawn in negatives]
    assert np.mean(rows) == pytest.approx(expected_rows(DATASET), rel=0.01)


def test_blocks_hold_as_many_rows_as_an_item_received():
    received = [np.array([1, 4]), np.array([0, 2, 3])]
    shapes, random = [(2, 4), (3, 5)], np.random.default_rng(0)
    blocks = draw_blocks(shapes, received, 2, np.inf, random)
    assert [block.shape for block in blocks] == [(2, 2, 4), (3, 2, 5)]
    for block, rows in zip(blocks, received, strict=True):
        finite = np.isfinite(block).sum(axis=2)
        np.testing.assert_array_equal(finite, np.stack([rows, rows], axis=1))


@pytest.mark.parametrize("attack", ["none", "spattack_o_d"])
def test_blocks_have_room_for_all_rows_of_an_item_and_products_are_of_all(attack):
    case = Case(aggregator="krum", attack=attack, model="fedmf:3", rounds=5)
    layout = plan_layout(DATASET, 2)  # for two devices
    blocks = item_blocks(case, layout)
    assert [size for _, size in blocks] == [
        padded_size(2 * group.slots.size + (attack != "none"))
        for group in layout.item_slots
    ]
    items = np.concatenate([items for items, _ in blocks])
    assert {*items} - {DATASET.num_items} == {*range(DATASET.num_items)}
    operations = sum(2 * 3 * len(items) * size**2 for items, size in blocks)
    found = seconds_of_products(case, layout, 4.0)
    assert found == pytest.approx(5 * operations / 4e9)
    twice = seconds_of_products(dataclasses.replace(case, rounds=10), layout, 4.0)
    assert twice == pytest.approx(2 * found)


@pytest.mark.parametrize(
    ("aggregator", "package"),
    [
        (name, package)
        for name, part in BLOCK_WORK.items()
        for package in part.by_package
    ],
)
def test_a_reference_over_blocks_leaves_them_as_they_are(aggregator, package):
    pytest.importorskip(package)
    block = np.random.default_rng(0).standard_normal((3, 2, 5), np.float32)
    kept = block.copy()
    (piece,) = pieces_of([block])
    BLOCK_WORK[aggregator].by_package[package](piece)
    np.testing.assert_array_equal(block, kept)
