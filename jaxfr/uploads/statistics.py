"""Mean, deviation and extremes of each item's rows, and the norms of all rows."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax.numpy as jnp
from jax import Array

from jaxfr.blocks import add_rows, fold_in_blocks, members_per_block
from jaxfr.devices import (
    for_own_part,
    max_over_devices,
    min_over_devices,
    sum_over_devices,
)
from jaxfr.shapes import Float, Int
from jaxfr.uploads.container import Uploads, for_own_rows, item_sums, row_counts

Total = TypeVar("Total")


class ItemStatistics(NamedTuple):
    """Statistics of each item's rows, coordinate by coordinate.

    Attributes:
        mean: 0 for an item without rows.
        deviation: population standard deviation.
        received: how many rows the item received.
    """

    mean: Float[Array, "m d"]
    deviation: Float[Array, "m d"]
    received: Int[Array, " m"]


class ItemExtremes(NamedTuple):
    """Least and largest of each item's rows, coordinate by coordinate.

    Attributes:
        minimum: 0 for an item without rows.
    """

    minimum: Float[Array, "m d"]
    maximum: Array


class NormStatistics(NamedTuple):
    """Mean and population standard deviation of row norms, float32 scalars."""

    mean: Array
    deviation: Array


def item_statistics(uploads: Uploads, absent_as_zeros: bool) -> ItemStatistics:
    """Mean and deviation of each item's rows, in two passes.

    Args:
        absent_as_zeros: whether each participant that sent an item nothing counts as a
            zero row of it.
    """
    received = row_counts(uploads)
    rows = received[:, None]
    if absent_as_zeros:
        rows = jnp.maximum(uploads.participants, rows)
    absent = rows - received[:, None]
    mean = item_sums(uploads) / jnp.maximum(rows, 1)
    squares = sum_over_devices(_sum_squares(uploads, mean)) + absent * mean**2
    for table in uploads.tables:
        distance = jnp.square(table.rows - mean[:, None])
        squares += jnp.sum(table.weight[..., None] * distance, axis=1)
    deviation = jnp.sqrt(squares / jnp.maximum(rows, 1))
    return ItemStatistics(mean, deviation, received)


def item_extremes(uploads: Uploads, absent_as_zeros: bool) -> ItemExtremes:
    """Minimum and maximum of each item's rows.

    Args:
        absent_as_zeros: whether each participant that sent an item nothing counts as a
            zero row of it.
    """
    least, largest = _scattered_extremes(uploads)
    least, largest = min_over_devices(least), max_over_devices(largest)
    for table in uploads.tables:
        lower, upper = _bounds(table.weight, table.rows)
        least = jnp.minimum(least, jnp.min(lower, axis=1, initial=jnp.inf))
        largest = jnp.maximum(largest, jnp.max(upper, axis=1, initial=-jnp.inf))
    received = row_counts(uploads)[:, None]
    if absent_as_zeros:
        absent = received < uploads.participants
        least = jnp.where(absent, jnp.minimum(least, 0.0), least)
        largest = jnp.where(absent, jnp.maximum(largest, 0.0), largest)
    return ItemExtremes(
        jnp.where(received > 0, least, 0.0), jnp.where(received > 0, largest, 0.0)
    )


def norm_statistics(uploads: Uploads, absent_as_zeros: bool) -> NormStatistics:
    """Mean and deviation of the norms of all rows, weights counted, in two passes.

    Args:
        absent_as_zeros: whether each participant that sent an item nothing counts as a
            row of norm 0.
    """
    received = row_counts(uploads)
    absent = jnp.zeros((), jnp.int32)
    if absent_as_zeros:
        absent = jnp.sum(jnp.maximum(uploads.participants - received, 0))
    number = jnp.maximum(jnp.sum(received) + absent, 1)

    def mean_of(shift: Array, power: int) -> Array:
        total = sum_over_devices(_sum_norms(uploads, shift, power))
        for table in uploads.tables:
            total += jnp.sum(table.weight * (_norms(table.rows) - shift) ** power)
        return (total + absent * (-shift) ** power) / number

    mean = mean_of(jnp.zeros(()), 1)
    return NormStatistics(mean, jnp.sqrt(mean_of(mean, 2)))


def _sum_squares(uploads: Uploads, centre: Array) -> Array:
    """Sum of each item's squared distances from ``centre``, by coordinate."""
    centre = for_own_part(centre)

    def add(total: Array, item: Array, weight: Array, rows: Array) -> Array:
        return add_rows(
            total, item, weight[..., None] * jnp.square(rows - centre[item])
        )

    return fold_rows(add, jnp.zeros_like(centre), uploads)


def _scattered_extremes(uploads: Uploads) -> tuple[Array, Array]:
    """Minimum and maximum of each item's scattered rows; infinite without any."""

    def add(
        total: tuple[Array, Array], item: Array, weight: Array, rows: Array
    ) -> tuple[Array, Array]:
        least, largest = total
        lower, upper = _bounds(weight, rows)
        return least.at[item].min(lower), largest.at[item].max(upper)

    nothing = jnp.full_like(uploads.item_embeddings, jnp.inf)
    return fold_rows(add, (nothing, -nothing), uploads)


def _bounds(weight: Array, rows: Array) -> tuple[Array, Array]:
    """What rows mean to a minimum and to a maximum: nothing where the weight is 0."""
    counts = weight[..., None] > 0
    return jnp.where(counts, rows, jnp.inf), jnp.where(counts, rows, -jnp.inf)


def _sum_norms(uploads: Uploads, shift: Array, power: int) -> Array:
    """Sum of ``(norm - shift) ** power`` over all rows."""
    shift = for_own_part(shift)

    def add(total: Array, item: Array, weight: Array, rows: Array) -> Array:
        del item
        return total + jnp.sum(weight * (_norms(rows) - shift) ** power)

    return fold_rows(add, jnp.zeros(()), uploads)


def _norms(rows: Array) -> Array:
    return jnp.sqrt(jnp.sum(rows**2, axis=-1))


def fold_rows(
    add: Callable[[Total, Array, Array, Array], Total], total: Total, uploads: Uploads
) -> Total:
    """Builds the scattered rows a block at a time, and adds them to a total.

    Args:
        add: takes the total, and of a block the items ``[bundles, width]``, their
            weights, and the rows ``[bundles, width, d]``.
    """
    if uploads.item.size == 0:
        return total
    uploads = for_own_rows(uploads)
    width, dim = uploads.rows_per_bundle, uploads.item_embeddings.shape[1]
    item_scale = jnp.broadcast_to(uploads.item_scale, uploads.item.shape)
    fields = uploads.item, uploads.weight, uploads.scale, item_scale
    bundles = [field.reshape(uploads.vector.size, width) for field in fields]

    def add_block(
        total: Total,
        present: Array,
        item: Array,
        weight: Array,
        scale: Array,
        item_scale: Array,
        vector: Array,
    ) -> Total:
        rows = scale[..., None] * uploads.vectors[vector][:, None]
        rows += item_scale[..., None] * uploads.item_embeddings[item]
        return add(total, item, jnp.where(present[:, None], weight, 0), rows)

    block = members_per_block(width * dim)
    return fold_in_blocks(add_block, total, block, *bundles, uploads.vector)
