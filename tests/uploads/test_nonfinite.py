"""Rows that are not finite are taken out of the container, and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.devices import AXIS
from jaxfr.uploads import (
    ItemTable,
    Uploads,
    drop_nonfinite,
    item_sums,
    with_sums,
)

from .damages import ALL, CASES, HARMLESS, LARGEST
from .samples import (
    Kind,
    every_kind,
    loop_sums,
    loose,
    on_devices,
    random_uploads,
)

drop = jax.jit(drop_nonfinite)
every_damage = pytest.mark.parametrize(("kind", "damage"), CASES)


def finite(rows: np.ndarray) -> np.ndarray:
    """Whether float32 holds each row."""
    with np.errstate(invalid="ignore"):
        return np.abs(rows).max(axis=1) <= LARGEST


def sent(uploads: Uploads) -> Uploads:
    """The same uploads with at least one client behind every row."""
    tables = [ItemTable(t.rows, jnp.maximum(t.weight, 1)) for t in uploads.tables]
    return uploads._replace(weight=jnp.maximum(uploads.weight, 1), tables=tuple(tables))


def damaged(kind: Kind, damage: str, seed: int) -> Uploads:
    return ALL[damage](sent(random_uploads(seed, kind)))


@every_damage
def test_exactly_the_rows_that_are_not_finite_lose_their_weight(kind, damage):
    uploads = damaged(kind, damage, seed=0)
    kept, dropped = drop(uploads)
    _, before, rows = loose(uploads)
    weight = np.where(finite(rows), before, 0)
    np.testing.assert_array_equal(loose(kept).weight, weight)
    assert dropped == np.sum(before) - np.sum(weight)
    assert (dropped > 0) == (damage not in HARMLESS)
    if dropped == 0:
        jax.tree.map(np.testing.assert_array_equal, kept, uploads)


@every_damage
def test_no_nan_is_left_and_finite_rows_stay_bit_for_bit(kind, damage):
    uploads = damaged(kind, damage, seed=1)
    kept, _ = drop(uploads)
    for field in jax.tree.leaves(kept):
        assert np.isfinite(field).all()
    assert np.isfinite(item_sums(kept)).all()
    before, after = loose(uploads).rows, loose(kept).rows
    np.testing.assert_array_equal(after[finite(before)], before[finite(before)])
    assert kept.participants == uploads.participants


@every_kind
def test_a_row_of_weight_zero_is_not_counted_as_dropped(kind):
    uploads = random_uploads(4, kind)
    silent = uploads._replace(weight=uploads.weight.at[7].set(0))
    kept, dropped = drop(ALL["nan_in_scale"](silent))
    assert dropped == 0
    assert np.isfinite(kept.scale).all()


@every_kind
def test_a_row_with_nothing_of_a_broken_item_is_kept(kind):
    uploads = random_uploads(5, kind)
    own_rows = uploads._replace(item_scale=jnp.zeros_like(uploads.item_scale))
    _, dropped = drop(ALL["nan_in_item"](own_rows))
    assert dropped == 0


@every_kind
def test_sums_from_before_are_not_taken_for_those_of_the_rows_that_are_left(kind):
    kept, _ = drop(with_sums(damaged(kind, "nan_in_scale", seed=7)))
    np.testing.assert_allclose(item_sums(kept), loop_sums(kept), rtol=1e-5, atol=1e-5)


@every_kind
def test_what_all_devices_dropped_is_counted_once(kind):
    uploads = damaged(kind, "everything_at_once", seed=8)
    parts = on_devices(uploads, 2)
    kept, dropped = jax.jit(jax.vmap(drop_nonfinite, axis_name=AXIS))(parts)
    expected, count = drop(uploads)
    np.testing.assert_array_equal(dropped, count)
    jax.tree.map(np.testing.assert_array_equal, kept, on_devices(expected, 2))
