"""The items among which a test item is ranked."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.data.dataset import NO_TEST_ITEM
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import (
    NUM_CANDIDATES,
    check_enough_candidates,
    sample_candidate_ranks,
)
from tests.chances import assert_chances
from tests.datasets import dataset_of

NUM_ITEMS = 130

sample = jax.jit(sample_candidate_ranks, static_argnums=(2, 3))
sample_each = jax.jit(
    jax.vmap(sample_candidate_ranks, in_axes=(0, 0, None, None)), static_argnums=(2, 3)
)


@given(st.integers(0, 2**31 - 1), st.integers(1, NUM_ITEMS - NUM_CANDIDATES))
@settings(max_examples=40)
def test_candidates_are_distinct_among_the_items_that_are_left(seed, num_excluded):
    key = jax.random.key(seed)
    drawn = np.asarray(sample(key, num_excluded, NUM_ITEMS, NUM_CANDIDATES))
    assert drawn.shape == (NUM_CANDIDATES,)
    assert drawn.dtype == np.int32
    assert len(np.unique(drawn)) == NUM_CANDIDATES
    assert np.all((drawn >= 0) & (drawn < NUM_ITEMS - num_excluded))


def test_a_user_with_just_enough_items_left_gets_all_of_them():
    drawn = sample(jax.random.key(0), 31, NUM_ITEMS, NUM_CANDIDATES)
    np.testing.assert_array_equal(np.sort(drawn), np.arange(NUM_CANDIDATES))


def test_items_that_are_left_are_drawn_equally_often():
    num_draws, count, left = 4000, 5, NUM_ITEMS - 4
    keys = jax.random.split(jax.random.key(2), num_draws)
    drawn = sample_each(keys, np.full(num_draws, 4), NUM_ITEMS, count)
    counts = np.bincount(np.ravel(drawn), minlength=left)
    assert counts.size == left
    assert_chances(counts, np.full(left, 1 / left))


def test_a_user_with_too_few_candidates_is_named():
    check_enough_candidates(dataset_of([list(range(30)), [0]], NUM_ITEMS, [30, 1]), 99)
    # Who is not evaluated needs none.
    check_enough_candidates(
        dataset_of([[0], list(range(100))], NUM_ITEMS, [1, NO_TEST_ITEM]), 99
    )
    data = dataset_of([[0], list(range(31))], NUM_ITEMS, [1, 31])
    with pytest.raises(
        InvalidInputError, match=r"98 items .*=99: num_candidates=98 is"
    ):
        check_enough_candidates(data, 99)
    data = dataset_of([[0], list(range(129))], NUM_ITEMS, [1, 129])
    with pytest.raises(InvalidInputError, match=r"0 items .*=99: ranking=full ranks"):
        check_enough_candidates(data, 99)
