"""Projecting what each client sent to what a client of FedMF could have sent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerView, aggregate, realisable
from jaxfr.aggregators.base import chained
from jaxfr.aggregators.stages.realisable import are_as_clients_make_them, projected
from jaxfr.uploads import Uploads, item_sums, item_table, rows_of, uploads_of
from jaxfr.uploads.clients import scale_rows
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import DIM, KINDS, NUM_ITEMS

from .seeing import clients_of

ITEMS, SENDERS = 12, 5
LAMBDA = 0.1


def after(uploads: Uploads, num_clients: int) -> Uploads:
    last = jnp.zeros_like(uploads.item_embeddings)
    view = ServerView(jnp.int32(0), jnp.int32(0), last, num_clients, LAMBDA)
    return realisable().make().update((), uploads, view)[0]


def loop_projection(rows: np.ndarray, shrinking: np.ndarray) -> np.ndarray:
    """By singular vectors, in float64."""
    sent = rows - shrinking
    left, size, right = np.linalg.svd(sent - sent.mean(axis=0))
    return size[0] * np.outer(left[:, 0], right[0]) + shrinking


@pytest.mark.parametrize("seed", range(3))
def test_rows_become_the_nearest_of_one_direction_that_sum_up_to_zero(seed):
    """The noise is small, so that few steps find the singular vector."""
    random = np.random.default_rng(seed)
    users = random.normal(size=(SENDERS, 1, DIM))
    coefficients = random.normal(size=(SENDERS, ITEMS, 1))
    embeddings = random.normal(size=(ITEMS, DIM))
    rows = coefficients * users + LAMBDA * embeddings
    rows += 0.05 * random.normal(size=rows.shape)
    uploads = uploads_of(rows.transpose(1, 0, 2))
    uploads = uploads._replace(item_embeddings=jnp.asarray(embeddings, jnp.float32))
    found = after(uploads, SENDERS)
    built = rows_of(found, jnp.arange(found.item.size)).reshape(ITEMS, SENDERS, DIM)
    for client in range(SENDERS):
        expected = loop_projection(rows[client], LAMBDA * embeddings)
        np.testing.assert_allclose(built[:, client], expected, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colluding", [True, False])
def test_whatever_was_sent_has_the_form_of_honest_rows(kind, colluding):
    uploads = uploads_of_clients(0, kind, colluding)
    shrinking = LAMBDA * np.asarray(uploads.item_embeddings)
    number = 0
    for client in clients_of(after(uploads, CLIENTS)):
        own = client.rows - shrinking[client.items]
        np.testing.assert_allclose(own.sum(axis=0), 0, atol=1e-4)
        sizes = np.linalg.svd(own, compute_uv=False)
        assert np.all(sizes[1:] < 1e-4)
        number += 1
    assert number > 3


def as_made(seed: int) -> tuple[Uploads, ServerView]:
    """Rows of clients of FedMF, some of their places empty, and colluders' rows."""
    random = np.random.default_rng(seed)
    benign, colluders, width = 4, 2, 6
    shape = ITEMS, colluders, DIM
    embeddings = jnp.asarray(random.normal(size=(ITEMS, DIM)), jnp.float32)
    clients = jnp.arange(benign)
    senders, ids = jnp.eye(colluders, dtype=bool)[None], benign + jnp.arange(colluders)
    own = jnp.asarray(random.normal(size=shape), jnp.float32)
    weight = jnp.asarray(random.integers(0, 2, shape[:2]), jnp.int32)
    items = [random.permutation(ITEMS)[:width] for _ in range(benign)]
    uploads = item_table(own, weight, embeddings, 6, senders)._replace(
        item=jnp.asarray(np.concatenate(items), jnp.int32),
        weight=jnp.asarray(random.integers(0, 2, benign * width), jnp.int32),
        vector=clients,
        scale=jnp.asarray(random.normal(size=benign * width), jnp.float32),
        item_scale=jnp.float32(LAMBDA),
        vectors=jnp.asarray(random.normal(size=(benign, DIM)), jnp.float32),
        client=clients,
    )
    uploads = uploads._replace(tables=(uploads.tables[0]._replace(client=ids),))
    number = benign + colluders
    last = jnp.zeros((ITEMS, DIM))
    return uploads, ServerView(jnp.int32(0), jnp.int32(0), last, number, LAMBDA)


@pytest.mark.parametrize("seed", range(3))
def test_rows_as_clients_make_them_are_projected_without_a_look_at_them(seed):
    uploads, view = as_made(seed)
    assert are_as_clients_make_them(uploads, view)
    expected = projected(uploads, view)
    found = realisable().make().update((), uploads, view)[0]
    np.testing.assert_allclose(item_sums(found), item_sums(expected), atol=1e-4)
    assert not np.allclose(item_sums(found), item_sums(uploads), atol=1e-2)


def test_other_rows_are_looked_at():
    uploads, view = as_made(0)
    everything = jnp.ones_like(uploads.weight)
    (table,) = uploads.tables
    others = {
        "scaled before": scale_rows(
            uploads, (jnp.full(uploads.item.shape, 0.5), (jnp.ones((ITEMS, 2)),))
        ),
        "a client with two vectors": uploads._replace(
            client=jnp.array([0, 0, 2, 3]), weight=everything
        ),
        "a client with rows of both kinds": uploads._replace(
            tables=(table._replace(client=jnp.array([3, 5])),), weight=everything
        ),
        "without a sum": uploads._replace(scale=uploads.scale.at[0].set(2e38)),
    }
    for name, changed in others.items():
        assert not are_as_clients_make_them(changed, view), name


def test_rows_of_any_length_become_finite_ones():
    rows = np.array([[[3e38, 0]], [[-3e38, 1]], [[0, 3e38]]])
    rule = chained(realisable().make(), MEAN)
    found, _ = aggregate(rule, uploads_of(rows), num_clients=1)
    assert np.all(np.isfinite(found.rows))


def test_the_derivative_goes_through_the_projection():
    random = np.random.default_rng(0)
    rows = jnp.asarray(random.normal(size=(NUM_ITEMS, 2, DIM)), jnp.float32)
    along = jnp.asarray(random.normal(size=rows.shape), jnp.float32)
    weight = jnp.asarray(random.normal(size=(NUM_ITEMS, DIM)), jnp.float32)
    rule = chained(realisable().make(), MEAN)

    def value(rows: jax.Array) -> jax.Array:
        found, _ = aggregate(rule, uploads_of(rows), num_clients=2)
        return jnp.sum(found.rows * weight)

    step = 1e-2
    expected = (value(rows + step * along) - value(rows - step * along)) / (2 * step)
    found = jnp.sum(jax.grad(value)(rows) * along)
    np.testing.assert_allclose(found, expected, rtol=2e-2)
