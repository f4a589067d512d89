"""The rank of a test item, and what ties, NaN and infinities do to it."""

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.evaluation.evaluate import full_ranking_mask, rank_of_test_item
from jaxfr.evaluation.metrics import NO_RANK
from jaxfr.sampling import PADDING_ITEM

rank = jax.jit(rank_of_test_item)
mask_of = jax.jit(full_ranking_mask, static_argnums=1)
NOT_FINITE = [math.nan, math.inf, -math.inf]

# Few distinct values, so that ties are common.
scores = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, *NOT_FINITE])


def rank_by_counting(test_score: float, candidates, mask) -> int:
    if not math.isfinite(test_score):
        return NO_RANK
    above = 0
    for score, is_candidate in zip(candidates, mask, strict=True):
        above += is_candidate and math.isfinite(score) and score >= test_score
    return above


@given(scores, st.lists(st.tuples(scores, st.booleans()), min_size=8, max_size=8))
@settings(max_examples=100)
def test_rank_counts_the_candidates_above(test_score, candidates):
    values, mask = (np.array(column) for column in zip(*candidates, strict=True))
    expected = rank_by_counting(test_score, values, mask)
    assert rank(test_score, values, mask) == expected


@pytest.mark.parametrize("score", NOT_FINITE)
def test_a_test_score_that_is_not_finite_is_in_no_list_however_few_candidates(score):
    for candidates in ([1.0, -1.0, *NOT_FINITE], [1.0], []):
        found = rank(score, np.array(candidates), np.ones(len(candidates), bool))
        assert found == NO_RANK > 10**9


def test_full_ranking_is_among_all_items_not_excluded():
    excluded = np.array([0, 3, 5, PADDING_ITEM, PADDING_ITEM], np.int32)
    mask = mask_of(excluded, 7)
    np.testing.assert_array_equal(mask, [False, True, True, False, True, False, True])
