"""Both forms of the trimmed mean, where counts are small and numbers tie."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate, classic_trimmed_mean
from jaxfr.aggregators.trimmed_mean import (
    floor_of_ratio,
    floor_of_share,
    mean_between_ends,
    mean_near_median,
)

from .oracles import CLASSIC_TRIMMED_MEAN, TRIMMED_MEAN, aggregated
from .samples import DIM, rows_of_one_item

NUM_VALUES = 8
LARGEST = np.finfo(np.float32).max
near_median = jax.jit(mean_near_median)


@jax.jit
def between_ends(values: jax.Array, weights: jax.Array, share: float) -> jax.Array:
    trimmed = floor_of_share(jnp.sum(weights), jnp.asarray(share))
    return mean_between_ends(values, weights, trimmed)


def padded(
    values: list[float], weights: list[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Values and weights of fixed length; what is added weighs nothing."""
    count = len(values)
    given = np.ones(count) if weights is None else np.array(weights)
    added = (0, NUM_VALUES - count)
    number = np.pad(np.array(values, np.float32), added, constant_values=7.0)
    return number, np.pad(given, added).astype(np.int32)


# --- The paper's form ---


@pytest.mark.parametrize("dropped", [3, 4, 100])
@pytest.mark.parametrize(
    ("values", "median"), [([], 0), ([4], 4), ([4, 1], 2.5), ([4, 1, 0], 1)]
)
def test_where_nothing_would_be_left_the_median_is_the_answer(values, median, dropped):
    assert near_median(*padded(values), dropped) == median


@pytest.mark.parametrize(
    ("values", "dropped", "expected"),
    [
        ([0, 1, 2, 3, 100], 0, 21.2),
        ([0, 1, 2, 3, 100], 1, 1.5),
        ([-50, 1, 2, 4, 100], 2, 7 / 3),
        ([-50, 1, 2, 4, 100], 4, 2),
        ([-50, -49, -48, 3, 4, 5, 6], 3, 4.5),
    ],
)
def test_the_values_farthest_from_the_median_are_dropped(values, dropped, expected):
    np.testing.assert_allclose(near_median(*padded(values), dropped), expected)


@pytest.mark.parametrize(
    ("values", "dropped", "expected"),
    [
        ([1, 2, 3], 1, 1.5),
        ([0, 2, 4], 2, 2),
        ([1, 3], 1, 1),
        ([0, 1, 3, 4], 1, 4 / 3),
        ([0, 1, 3, 4], 3, 1),
        ([0, 0, 1, 2, 2], 1, 0.75),
        ([0, 0, 1, 2, 2], 3, 0.5),
    ],
)
def test_of_two_values_equally_far_the_larger_is_dropped(values, dropped, expected):
    np.testing.assert_allclose(near_median(*padded(values), dropped), expected)


def test_part_of_a_weighted_row_may_be_dropped():
    assert near_median(*padded([0, 1, 9], [2, 3, 4]), 3) == np.float32(12 / 6)


@pytest.mark.parametrize("size", [1e9, 1e38, LARGEST])
def test_outliers_of_any_size_leave_no_trace(size):
    values = [1, 2, 3, size, -size]
    assert near_median(*padded(values, [1, 1, 1, 2, 2]), 4) == 2


# --- The classic form ---


def test_the_share_is_dropped_at_each_end():
    values = padded([5, -100, 2, 1, 100, 3])
    assert between_ends(*values, 0.0) == np.float32(11 / 6)
    assert between_ends(*values, 0.16) == np.float32(11 / 6)
    assert between_ends(*values, 0.17) == np.float32(11 / 4)
    assert between_ends(*values, 0.34) == 2.5


@pytest.mark.parametrize("share", [0.49, 0.5, 1.0])
@pytest.mark.parametrize(
    ("values", "middle"), [([], 0), ([4], 4), ([4, 1], 2.5), ([4, 1, 0], 1)]
)
def test_the_middle_is_kept_whatever_the_share(values, middle, share):
    assert between_ends(*padded(values), share) == middle


@pytest.mark.parametrize("count", [1, 2, 3, 10, 29, 100, 300, 1000])
@pytest.mark.parametrize("hundredths", [1, 3, 5, 10, 15, 21, 39, 45])
def test_a_share_of_whole_hundredths_drops_the_exact_number(count, hundredths):
    # All rows are 0 but for one more than can be dropped.
    exact = int(Fraction(hundredths, 100) * count)
    number = min(exact + 1, count)
    found = between_ends(*padded([0, 1], [count - number, number]), hundredths / 100)
    kept = count - 2 * exact
    np.testing.assert_allclose(found, 1 / kept, rtol=1e-6)


def test_the_share_is_by_default_that_of_the_expected_byzantine_clients():
    rows = np.repeat(np.array([[9.0], [1.0], [2.0], [-8.0]]), DIM, axis=1)
    uploads = rows_of_one_item(rows)
    found = aggregated(CLASSIC_TRIMMED_MEAN, uploads, 1)
    np.testing.assert_array_equal(found[0], 1.5)
    # Of 5 participants 1 is expected to be Byzantine: a fifth of 4 rows is none.
    more = uploads._replace(participants=uploads.participants + 1)
    np.testing.assert_array_equal(aggregated(CLASSIC_TRIMMED_MEAN, more, 1)[0], 1)


def test_the_share_may_be_given_and_traced():
    rows = np.repeat(np.arange(10.0)[:, None] ** 2, DIM, axis=1)
    uploads = rows_of_one_item(rows)

    @jax.jit
    def with_share(share):
        rule = classic_trimmed_mean(share).make()
        return aggregate(rule, uploads, jnp.int32(0))[0].rows[0]

    for share, trimmed in ((0.0, 0), (0.1, 1), (0.25, 2), (0.4, 4)):
        expected = rows[trimmed : 10 - trimmed].mean(axis=0)
        np.testing.assert_allclose(with_share(share), expected, rtol=1e-6)


def test_the_two_forms_differ():
    rows = np.repeat(np.array([[0.0], [1.0], [2.0], [50.0]]), DIM, axis=1)
    uploads = rows_of_one_item(rows)
    paper = aggregated(TRIMMED_MEAN, uploads, 1)[0]
    np.testing.assert_array_equal(paper, 1)
    classic = aggregated(CLASSIC_TRIMMED_MEAN, uploads, 1)[0]
    np.testing.assert_array_equal(classic, 1.5)


def test_the_expected_share_of_a_count_is_rounded_down_exactly():
    random = np.random.default_rng(0)
    clients = random.integers(2, 2_000_000, 20_000)
    byzantine = (clients * random.uniform(0, 0.5, clients.size)).astype(np.int64)
    count = (clients * random.uniform(0, 1, clients.size)).astype(np.int64)
    # Pairs whose product is a multiple of the number of clients, or just below one.
    byzantine[:3], count[:3], clients[:3] = 681, 2663, 681 * 2663 // np.array([2, 3, 4])
    found = jax.jit(floor_of_ratio)(
        *(jnp.asarray(array, jnp.int32) for array in (count, byzantine, clients))
    )
    np.testing.assert_array_equal(found, count * byzantine // clients)
