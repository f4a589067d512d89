"""Krum: neighbours, distances, ties."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jaxfr.aggregators import krum
from jaxfr.aggregators.distances import centre, pairwise_squared_distances
from jaxfr.aggregators.krum import krum_of_item, num_neighbours
from jaxfr.aggregators.krum_bounds import bounds_by_moments, bounds_by_rings
from jaxfr.aggregators.krum_choice import least_score, least_score_of_all
from jaxfr.uploads import append_tables, item_table

from .oracles import KRUM, aggregated, krum_scores, run
from .samples import DIM, NUM_ITEMS, factored_uploads, quarters, rows_of_one_item

LARGEST = float(np.finfo(np.float32).max)
by_bounds = jax.jit(least_score)
by_all_scores = jax.jit(least_score_of_all, static_argnames="distance")
of_item = jax.jit(krum_of_item, static_argnames="distance")
distances_of = jax.jit(pairwise_squared_distances)
both_distances = pytest.mark.parametrize("distance", ["squared", "plain"])


both_bounds = pytest.mark.parametrize("bounds", [bounds_by_moments, bounds_by_rings])


@functools.partial(jax.jit, static_argnames="bounds")
def bounds_of(
    bounds: Callable[..., jax.Array], rows: jax.Array, weight: jax.Array, nearest: int
) -> jax.Array:
    return bounds(centre(rows, weight), weight, nearest)


def on_a_line(*numbers: float) -> np.ndarray:
    return np.array([[number, 0, 0] for number in numbers], np.float32)


def ones(rows: np.ndarray) -> np.ndarray:
    return np.ones(len(rows), np.int32)


# --- Neighbours ---


def test_the_neighbours_are_as_many_as_the_definition_says():
    count, byzantine = np.meshgrid(np.arange(1, 12), np.arange(13), indexing="ij")
    expected = np.where(
        count - byzantine - 2 >= 1,
        count - byzantine - 2,
        np.where(count - byzantine >= 1, count - byzantine, count - 1),
    )
    # With n~ = 0 a row of two has no second other row.
    expected = np.minimum(expected, count - 1)
    np.testing.assert_array_equal(
        num_neighbours(jnp.asarray(count), jnp.asarray(byzantine)), expected
    )


def test_no_row_has_no_neighbour():
    assert num_neighbours(jnp.int32(0), jnp.int32(0)) == 0
    assert num_neighbours(jnp.int32(0), jnp.int32(5)) == 0


@both_distances
@pytest.mark.parametrize(
    ("byzantine", "neighbours", "chosen"),
    [(1, 2, 11), (2, 1, 0), (3, 2, 11), (4, 1, 0), (5, 4, 10), (100, 4, 10)],
)
def test_the_choice_follows_the_number_of_neighbours(
    distance, byzantine, neighbours, chosen
):
    # A tight pair, a looser three, and one of them nearest to all others.
    rows = on_a_line(0, 0.25, 10, 11, 12)
    assert num_neighbours(jnp.int32(5), jnp.int32(byzantine)) == neighbours
    found = of_item(rows, ones(rows), byzantine, distance=distance)
    np.testing.assert_array_equal(found, [chosen, 0, 0])


# --- The choice ---


def test_the_row_amid_the_cluster_is_chosen_and_not_the_mean_or_an_outlier():
    rows = on_a_line(90, 1, 2, 3, 100, 110)
    assert of_item(rows, ones(rows), 3, distance="squared")[0] == 1
    assert of_item(rows, ones(rows), 2, distance="squared")[0] == 2


def test_the_two_distances_may_choose_differently():
    # Plain distances to all others add up to 16, 12, 12 and 24; of the two equal
    # rows the squares are 72 and 56.
    rows = on_a_line(0, 2, 4, 10)
    assert of_item(rows, ones(rows), 4, distance="plain")[0] == 2
    assert of_item(rows, ones(rows), 4, distance="squared")[0] == 4


@both_distances
@pytest.mark.parametrize("numbers", [(1, 5), (5, 1), (9, 3, 1, 1, 3, 9), (2, 2, 2)])
def test_ties_go_to_the_first_row(distance, numbers):
    rows = on_a_line(*numbers)
    first = rows[np.argmin(krum_scores(rows.astype(float), 3, 2))]
    found = of_item(rows, ones(rows), 3, distance=distance)
    np.testing.assert_array_equal(found, first)


@given(rows=quarters((8, DIM), 1), byzantine=st.integers(0, 9))
@settings(max_examples=50)
def test_among_rows_that_tie_exactly_the_first_one_is_chosen(rows, byzantine):
    found = of_item(rows.astype(np.float32), ones(rows), byzantine, distance="squared")
    first = rows[np.argmin(krum_scores(rows, byzantine, 2))]
    np.testing.assert_array_equal(found, first)


@both_distances
def test_benign_rows_win_ties_against_malicious_rows(distance):
    benign = rows_of_one_item([[1, 2, 3]])
    malicious = item_table(
        jnp.full((NUM_ITEMS, 1, DIM), 5.0),
        jnp.array([[1], [1], [0], [0]]),
        benign.item_embeddings,
        jnp.int32(1),
    )
    uploads = append_tables(benign, malicious)
    found = run(krum(distance).make(), uploads, 1)[0].rows
    expected = [[1, 2, 3], [5, 5, 5], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(found, expected)


@both_distances
def test_copies_of_a_row_are_its_neighbours_at_distance_zero(distance):
    rows = on_a_line(0, 1, 2, 50)
    found = of_item(rows, np.array([1, 1, 1, 4]), 2, distance=distance)
    assert found[0] == 50


@both_distances
@pytest.mark.parametrize("size", [1e18, 1e25, LARGEST])
def test_rows_whose_squares_overflow_are_not_chosen_among_others(distance, size):
    rows = on_a_line(size, 3, 1, 2, -size)
    found = of_item(rows, ones(rows), 1, distance=distance)
    np.testing.assert_array_equal(found, [2, 0, 0])
    assert np.isfinite(of_item(rows[:1], ones(rows[:1]), 1, distance=distance)).all()


@both_distances
@pytest.mark.parametrize("size", [1e25, LARGEST])
@pytest.mark.parametrize("weight", [[0, 1, 1], [0, 0, 2, 1], [0, 3, 0, 1]])
def test_where_all_scores_overflow_the_first_row_that_was_sent_is_chosen(
    distance, size, weight
):
    rows = on_a_line(*(size * np.resize([1, -1], len(weight))))
    rows[:, 1] = np.arange(len(weight))
    found = of_item(rows, np.array(weight), 5, distance=distance)
    np.testing.assert_array_equal(found, rows[np.flatnonzero(weight)[0]])


def test_the_choice_is_one_of_the_rows_bit_for_bit():
    uploads = factored_uploads([32, 0, 0, 0], seed=0)
    plain = rows_of_one_item(np.asarray(uploads.vectors))
    found = aggregated(KRUM, plain, 3)[0]
    assert (found == np.asarray(plain.vectors)).all(axis=1).any()


# --- The search by bounds ---


# So many are scored at once where many are in question, and more are bounded again.
MANY, MORE = 100, 160
both_numbers = pytest.mark.parametrize("number", [MANY, MORE])


@both_numbers
@given(data=st.data(), share=st.floats(0, 1))
@settings(max_examples=100)
def test_bounds_leave_the_choice_as_it_is_to_the_last_tie(number, data, share):
    rows = jnp.asarray(data.draw(quarters((number, DIM), 2)), jnp.float32)
    weights = st.sampled_from([0, 1, 1, 1, 2, 30])
    weight = data.draw(arrays(np.int32, number, elements=weights))
    weight[3] = 1  # one is there
    nearest = 1 + int(share * (weight.sum() - 1))
    expected = by_all_scores(rows, weight, nearest, distance="squared")
    assert by_bounds(rows, weight, nearest) == expected


def many_rows(kind: str, number: int = MANY) -> tuple[np.ndarray, np.ndarray]:
    """Rows in float32 and weights, as different attacks and rounds leave them."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(0.2, 1, (number, 1)) * rng.normal(size=(number, 32)) + 5.0
    weight = np.ones(number, np.int32)
    if kind == "colluders":
        rows[-1], weight[-1] = -rows.sum(axis=0), 40
    if kind == "outliers":
        rows[-20:] *= rng.choice([1e3, 1e8, 1e15], size=(20, 1))
    if kind == "trained":  # most clients' slopes are small, and all users alike
        directions = rng.normal(size=32) + 0.5 * rng.normal(size=(number, 32))
        rows = (0.1 + rng.exponential(size=(number, 1)) ** 3) * directions + 0.5
    return rows.astype(np.float32), weight


def scores_of(rows: np.ndarray, weight: np.ndarray, nearest: int) -> np.ndarray:
    wide = np.repeat(rows.astype(float), weight, axis=0)
    distances = np.square(rows[:, None].astype(float) - wide).sum(axis=-1)
    return np.sort(distances, axis=1)[:, :nearest].sum(axis=1)


every_kind = pytest.mark.parametrize(
    "kind", ["honest", "colluders", "outliers", "trained"]
)


@both_bounds
@every_kind
@pytest.mark.parametrize("nearest", [1, 2, 60, 97, 100])
def test_bounds_are_below_scores(bounds, kind, nearest):
    rows, weight = many_rows(kind)
    scores = scores_of(rows, weight, nearest)
    assert (bounds_of(bounds, rows, weight, nearest) <= scores * (1 + 1e-6)).all()


@both_numbers
@every_kind
@pytest.mark.parametrize("nearest", [1, 2, 60, 97, 100])
def test_the_smallest_score_is_found(number, kind, nearest):
    rows, weight = many_rows(kind, number)
    scores = scores_of(rows, weight, nearest)
    chosen = by_bounds(rows, weight, nearest)
    assert scores[chosen] <= scores.min() * (1 + 1e-5)


@pytest.mark.parametrize(
    ("bounds", "kind", "left_out"),
    [
        (bounds_by_moments, "honest", 41),
        (bounds_by_moments, "colluders", 41),
        (bounds_by_rings, "trained", 10),
    ],
)
def test_bounds_leave_few_rows_in_question(bounds, kind, left_out):
    rows, weight = many_rows(kind)
    nearest = weight.sum() - left_out
    scores = scores_of(rows, weight, nearest)
    found = bounds_of(bounds, rows, weight, nearest)
    assert np.sum(found <= scores.min()) <= MANY / 10


# --- Distances ---


@pytest.mark.parametrize("offset", [0.0, 1.0, 1000.0])
def test_distances_are_those_of_all_pairs_wherever_the_rows_lie(offset):
    rows = np.random.default_rng(0).normal(size=(9, DIM)).astype(np.float32) + offset
    rows = rows.astype(np.float32)
    wide = rows.astype(np.float64)
    expected = np.square(wide[:, None] - wide[None, :]).sum(axis=-1)
    found = np.asarray(distances_of(rows, ones(rows)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0)


def test_absent_rows_do_not_disturb_the_distances_of_others():
    rows = on_a_line(1e20, 1000, 1001, 1003, 1e-20)
    found = distances_of(rows, np.array([0, 1, 1, 2, 0]))[1:4, 1:4]
    np.testing.assert_array_equal(found, [[0, 1, 9], [1, 0, 4], [9, 4, 0]])
