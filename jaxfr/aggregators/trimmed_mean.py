"""The coordinate-wise trimmed mean, in the paper's form and in the classic one."""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.aggregators.by_item import map_items
from jaxfr.aggregators.order_statistics import (
    ARRAYS,
    LARGEST_KEY,
    computed_once,
    count_all,
    count_where,
    in_tiles,
    kth_smallest,
    middle_values,
    midpoint,
    number_at,
    ordered_key,
    sum_where,
)
from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.parts import Number, part
from jaxfr.ranges import Range
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import weight_of_clients

SEARCHES = 2
"""Of a k-th smallest number, in either form."""


@part
def trimmed_mean() -> Rule:
    """Drops the n~ values of each coordinate farthest from the median; the paper's.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.trimmed_mean(), uploads, expected_byzantine=1)[0].rows
    Array([[1.5]], dtype=float32)

    With ``count <= n~`` nothing would be left, and the median is the answer. Of two
    values equally far from the median, the larger is dropped first.

    Source: Zhang et al., AAAI 2025 (Spattack), whose experiments use this form. It is
    the mean around the median of Xie et al., "Generalized Byzantine-tolerant SGD",
    2018, so ``meamed`` is another name of it and no other rule.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        dropped = weight_of_clients(uploads, view.expected_byzantine)

        def one_item(rows: Array, weight: Array, join: Join) -> Array:
            def of_coordinate(values: Array) -> Array:
                return mean_near_median(values, weight, dropped, join)

            return jax.vmap(of_coordinate, in_axes=1)(rows)

        work = ARRAYS * uploads.item_embeddings.shape[1]
        return map_items(uploads, one_item, work, SEARCHES)

    return stateless_rule(combine, needs_groups=True, expects_byzantine=True)


@part
def classic_trimmed_mean(
    trim_share: Annotated[Number, Range(0, 0.5, below_high=True)] | None = None,
) -> Rule:
    """Drops ``floor(trim_share * count)`` values at each end of each coordinate.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.classic_trimmed_mean(0.4), uploads)[0].rows
    Array([[2.]], dtype=float32)

    Source: Yin et al., ICML 2018.

    Args:
        trim_share: share of the rows to drop at each end; none: the expected share of
            Byzantine clients, n~ over all participants.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        def number_trimmed(count: Array) -> Array:
            if trim_share is None:
                all_clients = jnp.maximum(uploads.participants, 1)
                return floor_of_ratio(count, view.expected_byzantine, all_clients)
            return floor_of_share(count, jnp.asarray(trim_share))

        def one_item(rows: Array, weight: Array, join: Join) -> Array:
            clients = count_all(weight, join) // uploads.client_weight
            most = jnp.maximum(clients - 1, 0) // 2
            trimmed = jnp.clip(number_trimmed(clients), 0, most)
            trimmed = trimmed * uploads.client_weight

            def of_coordinate(values: Array) -> Array:
                return mean_between_ends(values, weight, trimmed, join)

            return jax.vmap(of_coordinate, in_axes=1)(rows)

        work = ARRAYS * uploads.item_embeddings.shape[1]
        return map_items(uploads, one_item, work, SEARCHES)

    return stateless_rule(
        combine, needs_groups=True, expects_byzantine=trim_share is None
    )


def mean_near_median(
    values: Float[Array, " k"],
    weights: Int[Array, " k"],
    dropped: Int[Array, ""],
    join: Join = IN_ONE_PART,
) -> Array:
    """The mean of what is left without the ``dropped`` values farthest away.

    The distance of a value is taken to the nearer of the two middle values; that
    orders values as the distance to the median does, and needs no rounded midpoint.

    Args:
        join: where the values lie in parts, how those are joined.
    """
    values = computed_once(values, weights)
    count = count_all(weights, join)
    kept = jnp.maximum(count - dropped, 0)
    lower, upper = middle_values(values, weights, join)
    is_lower = values <= lower
    distance = jnp.where(is_lower, lower - values, values - upper)
    limit = kth_smallest(distance, weights, kept, join)

    inside, at_limit = distance < limit, distance == limit
    total = sum_where(inside, values, weights, join)
    rest = kept - count_where(inside, weights, join)
    # The values at the limit are equal, but for rounding, on either side.
    keys, present = ordered_key(values), at_limit & (weights > 0)
    lower_key = jnp.where(present & is_lower, keys, -LARGEST_KEY)
    upper_key = jnp.where(present & ~is_lower, keys, LARGEST_KEY)
    at_lower = count_where(at_limit & is_lower, weights, join)
    lower_ties = jnp.minimum(rest, at_lower)
    upper_ties = rest - lower_ties
    for ties, key in (
        (lower_ties, join.max(in_tiles(jnp.maximum, jnp.asarray, lower_key))),
        (upper_ties, join.min(in_tiles(jnp.minimum, jnp.asarray, upper_key))),
    ):
        tied = number_at(key, keys, values, weights, join)
        total += jnp.where(ties > 0, ties * tied, 0.0)
    median = jnp.where(count > 0, midpoint(lower, upper), 0.0)
    return jnp.where(kept > 0, total / jnp.maximum(kept, 1), median)


def floor_of_share(count: Array, share: Array) -> Array:
    """``floor(share * count)``; whole but for float32 rounding counts as whole."""
    product = share * count * (1 + 4 * jnp.finfo(jnp.float32).eps)
    return jnp.floor(product).astype(jnp.int32)


def floor_of_ratio(count: Array, numerator: Array, denominator: Array) -> Array:
    """``floor(count * numerator / denominator)``, exact for positive int32.

    A float32 quotient is a few units off at most. The remainder that belongs to it is
    then small, and int32 arithmetic gives it exactly although the products wrap.
    """
    ratio = numerator / denominator
    quotient = jnp.floor(count * ratio).astype(jnp.int32)
    remainder = count * numerator - quotient * denominator
    return quotient + jnp.floor_divide(remainder, denominator)


def mean_between_ends(
    values: Array, weights: Array, trimmed: Array, join: Join = IN_ONE_PART
) -> Array:
    """The mean without ``trimmed`` values at each end, 0 for none.

    At least the middle value (odd count) or the two middle values (even) are kept.
    """
    values = computed_once(values, weights)
    count = count_all(weights, join)
    trimmed = jnp.clip(trimmed, 0, jnp.maximum(count - 1, 0) // 2)
    low = kth_smallest(values, weights, trimmed + 1, join)
    high = kth_smallest(values, weights, count - trimmed, join)

    inside = (low < values) & (values < high)
    total = sum_where(inside, values, weights, join)
    at_low = count_where(values <= low, weights, join) - trimmed
    at_high = count - trimmed - count_where(values < high, weights, join)
    total += at_low * low + at_high * high
    kept = jnp.maximum(count - 2 * trimmed, 1)
    average = jnp.where(low == high, low, total / kept)
    return jnp.where(count > 0, average, 0.0)
