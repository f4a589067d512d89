"""The items among which a client's test item is ranked: the sampled protocol."""

import chex
import numpy as np
from jax import Array

from jaxfr.data.dataset import NO_TEST_ITEM, Dataset
from jaxfr.errors import InvalidInputError
from jaxfr.sampling import distinct_ranks

# The usual number in leave-one-out evaluation: with the test item, 100 are ranked.
NUM_CANDIDATES = 99


def sample_candidate_ranks(
    key: Array, num_excluded: Array, num_items: int, count: int
) -> Array:
    """Draws which items one client's test item is ranked among.

    The result says which of the items that are not excluded, in ascending order;
    ``complement_items`` turns it into items.

    ``count`` distinct items, every subset of those not excluded equally likely, so
    that chance is a hit ratio of K / (``count`` + 1). The order is not uniform and
    carries no meaning. A client with fewer than ``count`` items left gets rubbish:
    ``check_enough_candidates`` finds it beforehand.

    Args:
        key: random key, this client's own.
        num_excluded: number of the client's training items and its test item
            together, int32 scalar.
        num_items: number of items m, static.
        count: how many to draw, static.

    Returns:
        int32 ``[count]``, distinct, from 0 to ``num_items - num_excluded - 1``.
    """
    chex.assert_rank(num_excluded, 0)
    return distinct_ranks(key, num_items - num_excluded, count)


def check_enough_candidates(dataset: Dataset, count: int) -> None:
    """Refuses data in which some user has too few items to rank its test item among.

    Users without a test item are not evaluated and so need none.

    Args:
        dataset: the data that will be evaluated.
        count: how many candidates each user must have, besides its test item.

    Raises:
        InvalidInputError: if an evaluated user has fewer than ``count`` items that
            are neither training items nor its test item.
    """
    left = dataset.num_items - dataset.user_activity - 1
    left = np.where(dataset.test_items == NO_TEST_ITEM, count, left)
    user = int(np.argmin(left))
    if left[user] < count:
        raise InvalidInputError(
            f"{dataset.name}: user {dataset.user_id(user)} has {left[user]} items to "
            f"rank its test item among, fewer than num_candidates={count}; lower that, "
            "or rank in full"
        )
