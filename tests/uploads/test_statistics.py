"""Statistics of rows, against NumPy's over the same rows written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr import uploads as made_of
from jaxfr.devices import AXIS
from jaxfr.uploads import Uploads, item_table
from tests.uploads.samples import every_kind, loose, on_devices, random_uploads

NUM_ITEMS, DIM, WIDTH, BUNDLES = 5, 3, 4, 6
MOST = 2 * WIDTH * BUNDLES  # rows of an item
item_statistics, item_extremes, norm_statistics = (
    jax.jit(function, static_argnames="absent_as_zeros")
    for function in (
        made_of.item_statistics,
        made_of.item_extremes,
        made_of.norm_statistics,
    )
)


def scattered(seed: int) -> tuple[Uploads, list[np.ndarray]]:
    """Scattered rows, some absent and some sent by two, and each item's rows."""
    random = np.random.default_rng(seed)
    size = WIDTH * BUNDLES
    items = random.normal(size=(NUM_ITEMS, DIM)).astype(np.float32)
    vectors = random.normal(size=(3, DIM)).astype(np.float32)
    item = random.integers(0, NUM_ITEMS - 1, size)  # the last item receives none
    weight = random.integers(0, 3, size)
    vector = random.integers(0, 3, BUNDLES)
    scale, item_scale = random.normal(size=(2, size)).astype(np.float32)
    rows = scale[:, None] * vectors[np.repeat(vector, WIDTH)]
    rows = rows + item_scale[:, None] * items[item]
    uploads = Uploads(
        item=jnp.asarray(item, jnp.int32),
        weight=jnp.asarray(weight, jnp.int32),
        vector=jnp.asarray(vector, jnp.int32),
        scale=jnp.asarray(scale),
        item_scale=jnp.asarray(item_scale),
        vectors=jnp.asarray(vectors),
        item_embeddings=jnp.asarray(items),
        participants=jnp.int32(60),
    )
    by_item = [
        np.repeat(rows[item == j].astype(np.float64), weight[item == j], axis=0)
        for j in range(NUM_ITEMS)
    ]
    return uploads, by_item


def as_table(by_item: list[np.ndarray], like: Uploads) -> Uploads:
    """The same rows as a table, each sent by one client."""
    rows = np.zeros((NUM_ITEMS, MOST, DIM), np.float32)
    weight = np.zeros((NUM_ITEMS, MOST), np.int32)
    for j, of_item in enumerate(by_item):
        rows[j, : len(of_item)] = of_item
        weight[j, : len(of_item)] = 1
    return item_table(
        jnp.asarray(rows), jnp.asarray(weight), like.item_embeddings, like.participants
    )


@pytest.mark.parametrize("tables", [False, True])
@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_mean_and_deviation_are_those_of_the_rows_received(tables, seed):
    uploads, by_item = scattered(seed)
    if tables:
        uploads = as_table(by_item, uploads)
    found = item_statistics(uploads, absent_as_zeros=False)
    for j, rows in enumerate(by_item):
        assert found.received[j] == len(rows)
        mean = rows.mean(axis=0) if len(rows) else np.zeros(DIM)
        deviation = rows.std(axis=0) if len(rows) else np.zeros(DIM)
        np.testing.assert_allclose(found.mean[j], mean, atol=1e-5)
        np.testing.assert_allclose(found.deviation[j], deviation, atol=1e-5)


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_absent_clients_can_count_as_zero_rows(seed):
    uploads, by_item = scattered(seed)
    found = item_statistics(uploads, absent_as_zeros=True)
    for j, rows in enumerate(by_item):
        absent = 60 - len(rows)
        padded = np.concatenate([rows, np.zeros((absent, DIM))])
        np.testing.assert_allclose(found.mean[j], padded.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(found.deviation[j], padded.std(axis=0), atol=1e-5)


def test_a_single_row_has_no_deviation():
    items = jnp.ones((2, DIM))
    rows = jnp.full((2, 1, DIM), 0.1)
    uploads = item_table(rows, jnp.ones((2, 1), jnp.int32), items, jnp.int32(1))
    found = item_statistics(uploads, absent_as_zeros=False)
    np.testing.assert_array_equal(found.deviation, 0)


@pytest.mark.parametrize("absent_as_zeros", [False, True])
@pytest.mark.parametrize("tables", [False, True])
@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_norms_are_those_of_all_rows(tables, absent_as_zeros, seed):
    uploads, by_item = scattered(seed)
    norms = np.linalg.norm(np.concatenate(by_item), axis=1)
    if absent_as_zeros:
        norms = np.append(norms, np.zeros(60 * NUM_ITEMS - len(norms)))
    if tables:
        uploads = as_table(by_item, uploads)
    found = norm_statistics(uploads, absent_as_zeros)
    np.testing.assert_allclose(found.mean, norms.mean(), rtol=1e-4)
    np.testing.assert_allclose(found.deviation, norms.std(), rtol=1e-3, atol=1e-5)


# --- extremes ---


def expected_extremes(rows: np.ndarray, absent: int) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum of one item's rows and so many zero rows."""
    if len(rows) == 0:
        return np.zeros(DIM), np.zeros(DIM)
    padded = np.concatenate([rows, np.zeros((absent, DIM))])
    return padded.min(axis=0), padded.max(axis=0)


@pytest.mark.parametrize("absent_as_zeros", [False, True])
@pytest.mark.parametrize("tables", [False, True])
@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_extremes_are_those_of_the_rows_received(tables, absent_as_zeros, seed):
    uploads, by_item = scattered(seed)
    if tables:
        uploads = as_table(by_item, uploads)
    found = item_extremes(uploads, absent_as_zeros)
    for j, rows in enumerate(by_item):
        absent = 60 - len(rows) if absent_as_zeros else 0
        least, largest = expected_extremes(rows, absent)
        np.testing.assert_allclose(found.minimum[j], least, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.maximum[j], largest, rtol=1e-5, atol=1e-6)


def test_only_clients_that_are_absent_are_zeros_among_the_extremes():
    items = jnp.ones((2, DIM))
    rows = jnp.array([[3.0, 2.0], [-4.0, -5.0]])[..., None] * jnp.ones(DIM)
    weight = jnp.array([[1, 1], [1, 2]], jnp.int32)
    uploads = item_table(rows, weight, items, jnp.int32(3))
    found = item_extremes(uploads, absent_as_zeros=True)
    np.testing.assert_array_equal(found.minimum[:, 0], [0, -5])
    np.testing.assert_array_equal(found.maximum[:, 0], [3, -4])


def test_rows_of_weight_0_are_no_extremes():
    uploads, _ = scattered(0)
    far = uploads._replace(scale=jnp.where(uploads.weight > 0, uploads.scale, 1e6))
    for absent_as_zeros in (False, True):
        found, expected = (
            item_extremes(rows, absent_as_zeros) for rows in (far, uploads)
        )
        np.testing.assert_array_equal(found.minimum, expected.minimum)
        np.testing.assert_array_equal(found.maximum, expected.maximum)


@every_kind
@pytest.mark.parametrize("devices", [2, 5])
def test_rows_that_are_spread_over_devices_have_the_extremes_of_one(kind, devices):
    uploads = random_uploads(3, kind)
    item, weight, rows = loose(uploads)
    extremes = jax.vmap(lambda part: item_extremes(part, False), axis_name=AXIS)(
        on_devices(uploads, devices)
    )
    for least, largest in zip(*extremes, strict=True):
        for j in range(uploads.num_items):
            expected = expected_extremes(rows[(item == j) & (weight > 0)], absent=0)
            np.testing.assert_allclose(least[j], expected[0], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(largest[j], expected[1], rtol=1e-5, atol=1e-6)
