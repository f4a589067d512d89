"""Statistics of rows, against NumPy's over the same rows written out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.devices import AXIS
from jaxfr.uploads import (
    Uploads,
    item_extremes,
    item_statistics,
    item_table,
    norm_statistics,
)
from tests.uploads.samples import (
    DIM,
    every_kind,
    on_devices,
    random_uploads,
    received_rows,
)

close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)


@functools.partial(jax.jit, static_argnames="absent_as_zeros")
def statistics(uploads: Uploads, absent_as_zeros: bool):
    kinds = item_statistics, item_extremes, norm_statistics
    return [kind(uploads, absent_as_zeros) for kind in kinds]


def assert_statistics_of(uploads: Uploads, absent_as_zeros: bool, found) -> None:
    by_item, extremes, of_norms = found
    everything = received_rows(uploads, absent_as_zeros)
    for j, received in enumerate(received_rows(uploads)):
        assert by_item.received[j] == len(received)
        # Without any row everything is 0, also where the absent count as zeros.
        rows = everything[j] if len(everything[j]) else np.zeros((1, DIM))
        close(by_item.mean[j], rows.mean(axis=0))
        close(by_item.deviation[j], rows.std(axis=0))
        close(extremes.minimum[j], rows.min(axis=0))
        close(extremes.maximum[j], rows.max(axis=0))
    norms = np.linalg.norm(np.concatenate(everything), axis=1)
    close(of_norms.mean, norms.mean())
    close(of_norms.deviation, norms.std(), rtol=1e-3)


@every_kind
@pytest.mark.parametrize("absent_as_zeros", [False, True])
@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_statistics_are_those_of_the_rows_and_of_zeros_for_absent_clients(
    kind, absent_as_zeros, seed
):
    uploads = random_uploads(seed, kind)._replace(participants=jnp.int32(150))
    found = statistics(uploads, absent_as_zeros)
    assert_statistics_of(uploads, absent_as_zeros, found)


@every_kind
@pytest.mark.parametrize("devices", [2, 5])
def test_rows_that_are_spread_over_devices_have_the_statistics_of_one(kind, devices):
    uploads = random_uploads(3, kind)._replace(participants=jnp.int32(150))
    of_part = functools.partial(statistics, absent_as_zeros=False)
    found = jax.vmap(of_part, axis_name=AXIS)(on_devices(uploads, devices))
    for device in range(devices):
        own = jax.tree.map(lambda leaf: leaf[device], found)  # noqa: B023
        assert_statistics_of(uploads, False, own)


def test_a_single_row_has_no_deviation():
    items = jnp.ones((2, DIM))
    rows = jnp.full((2, 1, DIM), 0.1)
    uploads = item_table(rows, jnp.ones((2, 1), jnp.int32), items, jnp.int32(1))
    found = item_statistics(uploads, absent_as_zeros=False)
    np.testing.assert_array_equal(found.deviation, 0)


def test_only_clients_that_are_absent_are_zeros_among_the_extremes():
    items = jnp.ones((2, DIM))
    rows = jnp.array([[3.0, 2.0], [-4.0, -5.0]])[..., None] * jnp.ones(DIM)
    weight = jnp.array([[1, 1], [1, 2]], jnp.int32)
    uploads = item_table(rows, weight, items, jnp.int32(3))
    found = item_extremes(uploads, absent_as_zeros=True)
    np.testing.assert_array_equal(found.minimum[:, 0], [0, -5])
    np.testing.assert_array_equal(found.maximum[:, 0], [3, -4])
