"""Clipping at the norm of the median client's rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate, clip_adaptive
from jaxfr.aggregators.base import chained
from jaxfr.uploads import uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import KINDS

from .seeing import clients_of, outcome

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_rows_are_clipped_at_the_median_clients_mean_norm(kind):
    uploads = uploads_of_clients(0, kind)
    clients = list(clients_of(uploads))
    norms = [np.linalg.norm(one.rows, axis=1) for one in clients]
    tau = np.median([one.mean() for one in norms])
    assert min(one.min() for one in norms) < tau < max(one.max() for one in norms)
    sums, lengths = np.zeros(uploads.item_embeddings.shape), np.zeros(CLIENTS)
    for client, norm in zip(clients, norms, strict=True):
        lengths[client.id] = np.minimum(norm, tau).sum()
        clipped = client.rows * np.minimum(1, tau / norm)[:, None]
        np.add.at(sums, client.items, clipped)
    found = outcome(clip_adaptive(), uploads)
    np.testing.assert_allclose(found.norms, lengths, rtol=1e-5)
    np.testing.assert_allclose(found.sums, sums, rtol=1e-5, atol=1e-5)


def test_a_long_row_moves_the_norm_no_farther_than_the_next_clients():
    rows = jnp.array([1.0, 2.0, 3.0, 4.0, 5.0])[None, :, None]
    for length in (6.0, 1e10, 3e38):
        found = outcome_of(rows.at[0, 0].set(length))
        np.testing.assert_allclose(found.rows, (4 + 2 + 3 + 4 + 4) / 5)


def outcome_of(rows: jax.Array):
    rule = chained(clip_adaptive().make(), MEAN)
    return aggregate(rule, uploads_of(rows), num_clients=rows.shape[1])[0]


def test_where_most_clients_send_zeros_all_rows_become_zeros():
    found = outcome_of(jnp.array([[[0.0], [0.0], [5.0]]]))
    np.testing.assert_array_equal(found.rows, 0)


def test_the_derivative_goes_through_the_norm_that_is_clipped_at():
    """The middle row sets the norm, so the mean of the three is (1 + 2 + 2) / 3."""
    rows = jnp.array([[[1.0], [2.0], [9.0]]])
    found = jax.grad(lambda rows: outcome_of(rows).rows.sum())(rows)
    np.testing.assert_allclose(found[0, :, 0], [1 / 3, 2 / 3, 0], atol=1e-6)
    assert np.all(np.isfinite(jax.grad(lambda r: outcome_of(r).rows.sum())(0 * rows)))
