"""The interface of aggregators: pure functions from uploads to one row per item.

An aggregator sees uploads and how many Byzantine clients to expect, and nothing else.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from jax import Array

from jaxfr.devices import Join
from jaxfr.uploads import Uploads, drop_nonfinite


class Transform(Protocol):
    """Changes each uploaded row on its own, such as by clipping its norm."""

    def __call__(self, uploads: Uploads) -> Uploads:
        """Returns the uploads with the changed rows."""
        ...


class Combine(Protocol):
    """Joins the rows of each item to one."""

    def __call__(self, uploads: Uploads, expected_byzantine: Array) -> Array:
        """Aggregates every item on its own.

        Args:
            uploads: finite rows, already transformed.
            expected_byzantine: the number n~ of Byzantine clients to expect, int32
                scalar; rules that need no such number ignore it.

        Returns:
            One row per item, float32 ``[m, d]``; 0 for an item with no row.
        """
        ...


class Aggregator(NamedTuple):
    """A pair of pure functions.

    Attributes:
        transform: what the server does to each row as it arrives.
        combine: what it makes of the rows of one item, for all items.
        needs_groups: whether ``combine`` reads ``uploads.groups``.
    """

    transform: Transform
    combine: Combine
    needs_groups: bool


class Aggregate(NamedTuple):
    """Outcome of one aggregation.

    Attributes:
        rows: one row per item, float32 ``[m, d]``.
        dropped: non-finite client uploads that were left out, int32 scalar.
    """

    rows: Array
    dropped: Array


def keep_rows(uploads: Uploads) -> Uploads:
    """The transform that changes nothing."""
    return uploads


def chain(*transforms: Transform, rule: Aggregator) -> Aggregator:
    """Applies the transforms, the first one first, and then the rule.

    ``chain(clip_by_norm(1.0), rule=median())`` is the median of clipped rows.
    """

    def transform(uploads: Uploads) -> Uploads:
        for step in (*transforms, rule.transform):
            uploads = step(uploads)
        return uploads

    return rule._replace(transform=transform)


def receive(aggregator: Aggregator, uploads: Uploads) -> tuple[Uploads, Array]:
    """What the server holds of the uploads before it combines them.

    Returns:
        The finite rows, transformed, and how many client uploads were dropped.
    """
    finite, dropped = drop_nonfinite(uploads)
    return aggregator.transform(finite), dropped


def aggregate(
    aggregator: Aggregator, uploads: Uploads, expected_byzantine: Array
) -> Aggregate:
    """Receives and combines: the whole of the server's aggregation."""
    received, dropped = receive(aggregator, uploads)
    return Aggregate(aggregator.combine(received, expected_byzantine), dropped)


ItemRule = Callable[[Array, Array, Join], Array]
"""Aggregates one item: rows ``[k, d]`` and int32 weights ``[k]`` to ``[d]``.

Where the item's rows lie in parts, the ``Join`` says how those are joined.
"""
