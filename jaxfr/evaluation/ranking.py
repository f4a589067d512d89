"""The rank of one client's test item."""

import chex
import jax.numpy as jnp
import numpy as np
from jax import Array

# The rank of a test item whose score is not finite: behind every list, however short.
NO_RANK = int(np.iinfo(np.int32).max)


def rank_of_test_item(
    test_score: Array, candidate_scores: Array, candidate_mask: Array
) -> Array:
    """Returns how many candidates stand above one client's test item.

    With test score s and candidate scores c::

        rank = #{j : c_j finite, c_j >= s}   if s is finite
             = NO_RANK                       otherwise

    over the candidates j of the mask. So neither a tie nor a score that overflowed
    ever helps an item: the test item stands below its ties, candidates that are not
    finite, an infinity of either sign or NaN, stand last, and a test item that is not
    finite is in no list at all, not even in one that has room for every candidate. A
    model whose scores have all become NaN therefore hits nothing, rather than
    everything, as does one whose scores are all equal among K candidates or more.

    Sampled ranking passes the scores of the candidates drawn, full ranking those of
    all m items with ``full_ranking_mask``.

    Args:
        test_score: the test item's score, float scalar.
        candidate_scores: float ``[k]``.
        candidate_mask: which entries are candidates, bool ``[k]``.

    Returns:
        Rank from 0 (best) to the number of candidates (last), or ``NO_RANK``, int32
        scalar.
    """
    chex.assert_rank([test_score, candidate_scores], [0, 1])
    chex.assert_equal_shape([candidate_scores, candidate_mask])
    at_least_as_high = jnp.isfinite(candidate_scores) & (candidate_scores >= test_score)
    above = jnp.sum(at_least_as_high & candidate_mask, dtype=jnp.int32)
    return jnp.where(jnp.isfinite(test_score), above, jnp.int32(NO_RANK))


def full_ranking_mask(excluded: Array, num_items: int) -> Array:
    """Marks the candidates of one client's full ranking: all items not excluded.

    Args:
        excluded: the client's training items and its test item, padded with
            ``PADDING_ITEM``; int32 ``[length]``, none negative.
        num_items: number of items m, static.

    Returns:
        bool ``[m]``.
    """
    chex.assert_rank(excluded, 1)
    # The padding lies outside 0..m-1 and is dropped.
    return jnp.ones(num_items, bool).at[excluded].set(False, mode="drop")
