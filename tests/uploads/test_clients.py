"""What the server sees of each client, against a loop over all rows."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import OfRows, map_rows, rows_by_client, sum_by_client
from jaxfr.uploads.norms import row_norm, row_norms
from tests.aggregators.defended import CLIENTS, sent_rows, uploads_of_clients
from tests.aggregators.samples import KINDS

every_kind = pytest.mark.parametrize("kind", KINDS)
both_ways = pytest.mark.parametrize("colluding", [True, False])


@every_kind
@both_ways
def test_a_clients_numbers_are_those_of_all_the_rows_that_it_sent(kind, colluding):
    uploads = uploads_of_clients(0, kind, colluding)
    count, norms = np.zeros(CLIENTS, int), np.zeros(CLIENTS)
    for client, _, row in sent_rows(uploads):
        count[client] += 1
        norms[client] += np.linalg.norm(row)
    assert (count > 0).sum() > 6
    np.testing.assert_array_equal(rows_by_client(uploads, CLIENTS), count)
    found = sum_by_client(uploads, row_norms(uploads), CLIENTS)
    np.testing.assert_allclose(found, norms, rtol=1e-5)


@every_kind
@both_ways
def test_a_number_of_a_row_may_be_of_its_item_too(kind, colluding):
    uploads = uploads_of_clients(1, kind, colluding)
    of_items = jnp.arange(1.0, 5.0)
    found, tables = map_rows(
        lambda rows, number: rows[..., 0] * number, uploads, of_items
    )
    of_clients = sum_by_client(uploads, (found, tables), CLIENTS)
    expected = np.zeros(CLIENTS)
    for client, item, row in sent_rows(uploads):
        expected[client] += row[0] * of_items[item]
    np.testing.assert_allclose(of_clients, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-30, 1.0, 1e30])
def test_the_norm_of_a_row_neither_overflows_nor_vanishes(size):
    row = size * np.array([3.0, 0.0, -4.0])
    np.testing.assert_allclose(row_norm(jnp.asarray(row, jnp.float32)), 5 * size, 1e-6)


@every_kind
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-4, 1.0, 1e30])
@pytest.mark.parametrize("item_size", [0.0, 1.0, 1e30])
def test_norms_of_all_rows_are_the_norm_of_each(kind, size, item_size):
    uploads = uploads_of_clients(2, kind)
    uploads = uploads._replace(
        scale=size * uploads.scale, item_embeddings=item_size * uploads.item_embeddings
    )
    found, of_tables = row_norms(uploads)
    each, of_each = map_rows(row_norm, uploads)
    for one, other in zip((found, *of_tables), (each, *of_each), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-37)


def test_norms_of_all_rows_change_with_them_as_the_norm_of_each_does():
    uploads = uploads_of_clients(2, "single_rows")

    def derivative(norms: Callable[[Uploads], OfRows]) -> Array:
        def total(size: Array) -> Array:
            found, of_tables = norms(uploads._replace(scale=size * uploads.scale))
            return jnp.sum(found**2) + sum(map(jnp.sum, of_tables))

        return jax.grad(total)(jnp.float32(2.0))

    expected = derivative(lambda changed: map_rows(row_norm, changed))
    np.testing.assert_allclose(derivative(row_norms), expected, rtol=1e-5)


def test_rows_of_unknown_clients_are_refused():
    uploads = uploads_of_clients(0, "single_rows")
    (table,) = uploads.tables
    with pytest.raises(ValueError, match="uploads"):
        rows_by_client(uploads._replace(client=None), CLIENTS)
    with pytest.raises(ValueError, match="attack"):
        rows_by_client(
            uploads._replace(tables=(table._replace(senders=None),)), CLIENTS
        )
