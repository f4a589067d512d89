"""Distances of each item's rows from a point, and from one another."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.devices import device_index, min_over_devices, num_devices, sum_over_devices
from jaxfr.shapes import Float
from jaxfr.uploads.clients import OfRows, map_rows
from jaxfr.uploads.container import Uploads, for_own_rows, rows_of
from jaxfr.uploads.norms import row_norm

SWEEPS = 3
# Of distances that one row has in two places of a program, which may round it twice.
ROUNDING = 1e-6


def least_by_item(uploads: Uploads, of_rows: OfRows) -> Float[Array, " m"]:
    """The least of a number of each item's rows; infinite without any row."""
    scattered, tables = of_rows
    counted = jnp.where(uploads.weight > 0, scattered, jnp.inf)
    nothing = jnp.full(uploads.num_items, jnp.inf)
    least = min_over_devices(nothing.at[uploads.item].min(counted))
    for table, numbers in zip(uploads.tables, tables, strict=True):
        counted = jnp.where(table.weight > 0, numbers, jnp.inf)
        least = jnp.minimum(least, jnp.min(counted, axis=1, initial=jnp.inf))
    return least


def distances_from(uploads: Uploads, centre: Float[Array, "m d"]) -> OfRows:
    """Of each row the distance from its item's centre."""
    return map_rows(lambda rows, centre: row_norm(rows - centre), uploads, centre)


def largest_distance(
    uploads: Uploads, centre: Float[Array, "m d"]
) -> Float[Array, " m"]:
    """Of each item that of its row farthest from a centre; 0 without any row."""
    distances = distances_from(uploads, centre)
    least = least_by_item(uploads, jax.tree.map(jnp.negative, distances))
    return jnp.maximum(-least, 0.0)


def farthest_rows(uploads: Uploads, centre: Float[Array, "m d"]) -> Array:
    """Of each item a row that is farthest from a centre, ``[m, d]``; 0 without any."""
    distances = distances_from(uploads, centre)
    least = least_by_item(uploads, jax.tree.map(jnp.negative, distances))
    enough = jnp.maximum(-least, 0.0) * (1.0 - ROUNDING)
    rows, found = _first_scattered(uploads, distances[0] >= enough[uploads.item])
    for table, numbers in zip(uploads.tables, distances[1], strict=True):
        far = (table.weight > 0) & (numbers >= enough[:, None])
        if far.shape[1] > 0:
            place = jnp.argmax(far, axis=1)
            first = jnp.take_along_axis(table.rows, place[:, None, None], axis=1)[:, 0]
            chosen = ~found & jnp.any(far, axis=1)
            rows = jnp.where(chosen[:, None], first, rows)
            found |= chosen
    return rows


def _first_scattered(uploads: Uploads, chosen: Array) -> tuple[Array, Array]:
    """Of each item the first scattered row that is chosen, and whether there is one."""
    number, nobody = uploads.item.size, num_devices()
    if number == 0:
        no_row = jnp.zeros_like(uploads.item_embeddings)
        return no_row, jnp.zeros(uploads.num_items, bool)
    counted = jnp.where(chosen & (uploads.weight > 0), jnp.arange(number), number)
    first = jnp.full(uploads.num_items, number).at[uploads.item].min(counted)
    has = first < number
    device = min_over_devices(jnp.where(has, device_index(), nobody))
    own = has & (device == device_index())
    row = rows_of(for_own_rows(uploads), jnp.minimum(first, number - 1))
    rows = sum_over_devices(jnp.where(own[:, None], row, 0.0))
    return rows, device < nobody


def diameter(uploads: Uploads, mean: Float[Array, "m d"]) -> Float[Array, " m"]:
    """Of each item the distance between two rows that are far apart.

    It goes from the mean to the row farthest from it, on to the row farthest from that,
    and so on, ``SWEEPS`` times. That is never more than the largest distance of two
    rows, and at least half of it; all pairs would take k^2 distances of k rows.
    """

    def go_on(_: Array, at: Array) -> Array:
        return farthest_rows(uploads, at)

    last = jax.lax.fori_loop(0, SWEEPS, go_on, mean)
    return largest_distance(uploads, last)
