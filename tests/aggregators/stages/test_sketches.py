"""Few numbers for each client, whose products tell what those of all it sent do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators.stages.sketches import (
    about_their_mean,
    client_sketches,
    drawn_columns,
    shortened,
    sums_in_columns,
    top_direction,
    unit_vectors,
)
from jaxfr.uploads import uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.samples import DIM, KINDS

from .seeing import all_that_was_sent, clients_of

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@pytest.mark.parametrize("colluding", [True, False])
def test_rows_are_added_up_by_client_and_column(kind, colluding):
    uploads = uploads_of_clients(0, kind, colluding)
    columns = drawn_columns(jax.random.key(0), uploads.num_items, 2)
    column, sign = np.asarray(columns.column), np.asarray(columns.sign)
    factor = np.arange(uploads.num_items) + 1.0
    found = sums_in_columns(
        lambda rows, factor: rows * factor[..., None],
        *(uploads, columns, CLIENTS, jnp.asarray(factor, jnp.float32)),
    )
    expected = np.zeros((CLIENTS, 2, DIM))
    for client in clients_of(uploads):
        numbers = client.rows * (sign * factor)[client.items][:, None]
        np.add.at(expected[client.id], column[client.items], numbers)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@every_kind
def test_with_a_column_for_each_item_products_are_exact(kind):
    uploads = uploads_of_clients(1, kind)
    sketches = np.asarray(client_sketches(uploads, uploads.num_items, CLIENTS))
    ids, sent = all_that_was_sent(uploads)
    np.testing.assert_allclose(
        sketches[ids] @ sketches[ids].T, sent @ sent.T, rtol=1e-4, atol=1e-4
    )
    silent = np.setdiff1d(np.arange(CLIENTS), ids)
    np.testing.assert_array_equal(sketches[silent], 0)


def uploads_with(rows: np.ndarray):
    return uploads_of(rows.transpose(1, 0, 2))


@pytest.mark.parametrize("columns", [4, 32])
def test_products_are_right_within_a_deviation_that_columns_decide(columns):
    """Even where all rows point one way: numbers have signs of their own."""
    random = np.random.default_rng(2)
    clients, items, dim = 40, 200, 8
    rows = random.normal(size=(clients, items, 1)) * np.ones(dim)
    found = client_sketches(uploads_with(rows), columns, clients)
    units = np.asarray(unit_vectors(found))
    plain = rows.reshape(clients, -1)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    error = (units @ units.T - plain @ plain.T)[~np.eye(clients, dtype=bool)]
    deviation = (columns * dim) ** -0.5
    assert 0.7 * deviation < np.std(error) < 1.3 * deviation
    assert abs(np.mean(error)) < 0.1 * deviation


def test_all_is_finite_whatever_is_sent():
    rows = np.full((3, 5, 2), 3e38)
    rows[0], rows[1] = 0, -3e38
    sketches = client_sketches(uploads_with(rows), 2, 3)
    centred = about_their_mean(shortened(sketches), jnp.ones(3))
    direction = top_direction(centred, jnp.ones(3))
    for found in (sketches, centred, direction, unit_vectors(sketches)):
        assert np.all(np.isfinite(found))
    np.testing.assert_allclose(np.linalg.norm(direction), 1, rtol=1e-5)


def test_no_derivative_goes_through_a_sketch():
    found = jax.grad(lambda rows: jnp.sum(client_sketches(uploads_of(rows), 1, 2)))
    np.testing.assert_array_equal(found(jnp.ones((2, 2, 1))), 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_top_direction_is_that_in_which_weighted_vectors_vary_most(seed):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(30, 6)) + 3 * random.normal(size=(30, 1)) * [
        *(1, 2, 0, -1, 0, 1)
    ]
    weight = random.random(30) * (random.random(30) < 0.8)
    centred = vectors - weight @ vectors / weight.sum()
    _, directions = np.linalg.eigh((weight * centred.T) @ centred)
    about_mean = about_their_mean(jnp.asarray(vectors), jnp.asarray(weight))
    np.testing.assert_allclose(about_mean, centred, atol=1e-5)
    found = np.asarray(top_direction(about_mean, jnp.asarray(weight)))
    np.testing.assert_allclose(abs(found @ directions[:, -1]), 1, rtol=1e-5)


def test_vectors_that_do_not_vary_have_no_direction():
    alike = about_their_mean(jnp.zeros((4, 3)), jnp.ones(4))
    np.testing.assert_array_equal(top_direction(alike, jnp.ones(4)), 0)
