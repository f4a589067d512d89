"""The rows of an item brought together from several devices, or left where they are."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.devices import AXIS
from jaxfr.uploads import (
    ItemGroup,
    Uploads,
    bring_together,
    gather_vectors,
    item_sums,
    leave_in_place,
    row_counts,
    rows_of,
    rows_of_item,
)
from tests.uploads.samples import (
    KINDS,
    NUM_ITEMS,
    SINGLE,
    grouped,
    loop_sums,
    loose,
    on_devices,
    random_uploads,
    scattered_rows,
)

every_kind_on_devices = pytest.mark.parametrize(
    ("kind", "devices"),
    [(SINGLE, 1), (SINGLE, 5), (KINDS["bundles"], 2), (KINDS["tables"], 3)],
)
rows_of_one = jax.jit(rows_of_item, static_argnums=3)


class Brought(NamedTuple):
    """What a device has of one item."""

    device: int
    rows: np.ndarray
    weight: np.ndarray


def of_device(stacked, device: int):
    return jax.tree.map(lambda field: np.asarray(field)[device], stacked)


def uploads_of_devices(seed: int, kind, devices: int) -> tuple[Uploads, Uploads]:
    """The same rows on one device, and spread over several and grouped there."""
    uploads = random_uploads(seed, kind)
    return uploads, jax.vmap(grouped)(on_devices(uploads, devices))


@jax.jit
def gathered(parts: Uploads) -> Uploads:
    return jax.vmap(gather_vectors, axis_name=AXIS)(parts)


@jax.jit
def exchanged(parts: Uploads) -> list[tuple[Uploads, ItemGroup]]:
    """Of every group, what each device has afterwards."""

    def on_each(part: Uploads) -> list[tuple[Uploads, ItemGroup]]:
        known_to_all = gather_vectors(part)
        return [bring_together(known_to_all, group) for group in part.groups]

    return jax.vmap(on_each, axis_name=AXIS)(parts)


def brought_together(parts: Uploads, devices: int) -> dict[int, list[Brought]]:
    """Who has which rows of each item after the exchange, tables left out."""
    found = {}
    for stacked in exchanged(parts):
        for device in range(devices):
            uploads, group = of_device(stacked, device)
            alone = uploads._replace(tables=())
            for item, index in zip(group.items, group.rows, strict=True):
                rows, weight = rows_of_one(alone, item, index, index.size)
                sent = np.asarray(weight) > 0
                own = Brought(device, np.asarray(rows)[sent], np.asarray(weight)[sent])
                found.setdefault(int(item), []).append(own)
    return found


@every_kind_on_devices
def test_every_row_of_an_item_comes_to_one_device_in_the_order_of_devices(
    kind, devices
):
    uploads, parts = uploads_of_devices(1, kind, devices)
    alone = uploads._replace(tables=())
    item, weight, rows = loose(alone)
    found = brought_together(parts, devices)
    assert set(found) - {NUM_ITEMS} == set(range(NUM_ITEMS))
    # Items that do not exist bring nothing.
    assert all(filling.rows.size == 0 for filling in found.get(NUM_ITEMS, []))
    for number in range(NUM_ITEMS):
        own = (item == number) & (weight > 0)
        (brought,) = found[number]
        np.testing.assert_array_equal(brought.weight, weight[own])
        # As they were, bit for bit.
        exact = np.asarray(rows_of(alone, jnp.flatnonzero(own)))
        np.testing.assert_array_equal(brought.rows, exact)
        np.testing.assert_allclose(brought.rows, rows[own], rtol=1e-5, atol=1e-6)


@every_kind_on_devices
def test_devices_share_the_items_of_each_group_and_nothing_else_changes(kind, devices):
    parts = uploads_of_devices(2, kind, devices)[1]
    for (uploads, group), before in zip(exchanged(parts), parts.groups, strict=True):
        share = -(-before.items.shape[1] // devices)
        assert group.items.shape == (devices, share)
        assert group.rows.shape == (devices, share, devices * before.rows.shape[2])
        for own, items, lines in zip(uploads.item, *group, strict=True):
            listed = np.asarray(lines) >= 0
            of_item = np.broadcast_to(items[:, None], listed.shape)
            np.testing.assert_array_equal(own[lines][listed], of_item[listed])
        assert uploads.groups == ()
        for name in ("tables", "item_embeddings", "participants"):
            kept = getattr(parts, name), getattr(uploads, name)
            jax.tree.map(np.testing.assert_array_equal, *kept)
        if kind.one_item_scale:
            np.testing.assert_array_equal(uploads.item_scale, parts.item_scale)


@every_kind_on_devices
def test_vectors_of_all_devices_stand_in_a_row_and_rows_stay_what_they_are(
    kind, devices
):
    parts = uploads_of_devices(5, kind, devices)[1]
    found = gathered(parts)
    for device in range(devices):
        own, known = of_device(parts, device), of_device(found, device)
        everything = np.concatenate(np.asarray(parts.vectors))
        np.testing.assert_array_equal(known.vectors, everything)
        np.testing.assert_array_equal(scattered_rows(known), scattered_rows(own))
        for name in ("item", "weight", "scale", "item_scale", "groups", "tables"):
            before, after = getattr(own, name), getattr(known, name)
            jax.tree.map(np.testing.assert_array_equal, after, before)


@every_kind_on_devices
def test_of_rows_in_place_those_of_tables_count_on_the_first_device_only(kind, devices):
    uploads, parts = uploads_of_devices(6, kind, devices)
    found = jax.jit(jax.vmap(leave_in_place, axis_name=AXIS))(parts)
    without = found._replace(tables=())
    jax.tree.map(np.testing.assert_array_equal, without, parts._replace(tables=()))
    # As if each device were on its own.
    sums, counts = jax.vmap(item_sums)(found), jax.vmap(row_counts)(found)
    np.testing.assert_array_equal(np.sum(counts, axis=0), row_counts(uploads))
    np.testing.assert_allclose(
        np.sum(sums, axis=0), loop_sums(uploads), rtol=1e-5, atol=1e-5
    )
    for table, before in zip(found.tables, parts.tables, strict=True):
        np.testing.assert_array_equal(table.rows, before.rows)
        np.testing.assert_array_equal(table.weight[0], before.weight[0])
        assert not np.any(table.weight[1:])
