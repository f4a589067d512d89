"""The items among which a test item is ranked."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import (
    NUM_CANDIDATES,
    check_enough_candidates,
    sample_candidates,
)
from jaxfr.sampling import PADDING_ITEM

NUM_ITEMS = 130
LENGTH = 31

sample = jax.jit(sample_candidates, static_argnums=(3, 4))
sample_each = jax.jit(
    jax.vmap(sample_candidates, in_axes=(0, 0, 0, None, None)), static_argnums=(3, 4)
)


def pad(items) -> np.ndarray:
    padded = np.full(LENGTH, PADDING_ITEM, np.int32)
    padded[: len(items)] = sorted(items)
    return padded


def dataset(user_items: list[list[int]], test_items: list[int]) -> Dataset:
    return Dataset(
        name="tiny",
        num_users=len(user_items),
        num_items=NUM_ITEMS,
        train_users=np.repeat(np.arange(len(user_items)), [len(u) for u in user_items]),
        train_items=np.concatenate(user_items).astype(np.int32),
        test_items=np.array(test_items, np.int32),
    )


@given(
    st.integers(0, 2**31 - 1),
    st.sets(st.integers(0, NUM_ITEMS - 1), min_size=1, max_size=LENGTH),
)
@settings(max_examples=40, deadline=None)
def test_candidates_are_distinct_items_that_are_not_excluded(seed, excluded):
    key = jax.random.key(seed)
    drawn = np.asarray(
        sample(key, pad(excluded), len(excluded), NUM_ITEMS, NUM_CANDIDATES)
    )
    assert drawn.shape == (NUM_CANDIDATES,)
    assert drawn.dtype == np.int32
    assert len(np.unique(drawn)) == NUM_CANDIDATES
    assert np.all((drawn >= 0) & (drawn < NUM_ITEMS))
    assert not np.isin(drawn, sorted(excluded)).any()


def test_a_user_with_just_enough_items_left_gets_all_of_them():
    excluded = range(31)
    drawn = sample(jax.random.key(0), pad(excluded), 31, NUM_ITEMS, NUM_CANDIDATES)
    np.testing.assert_array_equal(np.sort(drawn), np.arange(31, NUM_ITEMS))


def test_items_that_are_left_are_drawn_equally_often():
    num_draws, count, excluded = 4000, 5, [0, 3, 4, 129]
    keys = jax.random.split(jax.random.key(2), num_draws)
    batch = np.tile(pad(excluded), (num_draws, 1))
    drawn = sample_each(keys, batch, np.full(num_draws, 4), NUM_ITEMS, count)
    counts = np.delete(np.bincount(np.ravel(drawn), minlength=NUM_ITEMS), excluded)
    expected = num_draws * count / (NUM_ITEMS - 4)
    freedom = NUM_ITEMS - 5
    chi_square = np.sum((counts - expected) ** 2 / expected)
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


def test_each_client_of_a_batch_draws_as_it_would_alone():
    keys = jax.random.split(jax.random.key(3), 2)
    excluded = np.stack([pad([1, 2]), pad(range(20))])
    together = sample_each(keys, excluded, np.array([2, 20]), NUM_ITEMS, 9)
    for client, size in enumerate([2, 20]):
        alone = sample(keys[client], excluded[client], size, NUM_ITEMS, 9)
        np.testing.assert_array_equal(together[client], alone)


def test_enough_candidates_pass():
    check_enough_candidates(dataset([list(range(30)), [0]], [30, 1]), 99)


def test_a_user_with_too_few_candidates_is_named():
    data = dataset([[0], list(range(31))], [1, 31])
    with pytest.raises(InvalidInputError, match=r"user 1 has 98 items .* needs 99"):
        check_enough_candidates(data, 99)


def test_a_user_who_is_not_evaluated_needs_no_candidates():
    check_enough_candidates(dataset([[0], list(range(100))], [1, NO_TEST_ITEM]), 99)
