"""How much one row may lengthen its item's embedding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerView, aggregate, clip_growth
from jaxfr.aggregators.base import chained
from jaxfr.uploads import Uploads, uploads_of
from tests.aggregators.defended import CLIENTS, uploads_of_clients
from tests.aggregators.oracles import MEAN
from tests.aggregators.samples import KINDS

from .seeing import clients_of

LAMBDA = 0.1
LIMIT = 0.2


def clipped(uploads: Uploads, limit: float = LIMIT) -> Uploads:
    last = jnp.zeros_like(uploads.item_embeddings)
    view = ServerView(jnp.int32(0), jnp.int32(0), last, CLIENTS, LAMBDA)
    return clip_growth(limit).make().update((), uploads, view)[0]


def loop_growth(row: np.ndarray, embedding: np.ndarray) -> float:
    """Half of how the squared length changes with a step against the row, per step."""
    step = 1e-6
    moved = embedding - step * (row - LAMBDA * embedding)
    return float(moved @ moved - embedding @ embedding) / (2 * step)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_grows_its_item_by_no_more_than_the_limit_or_is_as_it_was(kind):
    uploads = uploads_of_clients(0, kind)
    embeddings = np.asarray(uploads.item_embeddings, np.float64)
    before, after = clients_of(uploads), clients_of(clipped(uploads))
    cut, kept = 0, 0
    for sent, left in zip(before, after, strict=True):
        for item, row, found in zip(sent.items, sent.rows, left.rows, strict=True):
            grown = loop_growth(row, embeddings[item])
            expected = row * min(1, LIMIT / grown) if grown > 0 else row
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
            cut, kept = cut + (grown > LIMIT), kept + (0 < grown <= LIMIT)
    assert cut > 0
    assert kept > 0


def mean_of(row: list[float], embedding: list[float]) -> jax.Array:
    uploads = uploads_of(jnp.array([[row]]))._replace(
        item_embeddings=jnp.array([embedding])
    )
    rule = chained(clip_growth(LIMIT).make(), MEAN)
    return aggregate(rule, uploads)[0].rows[0]


@pytest.mark.parametrize("row", [[2.0, 0.0], [0.0, 7.0], [3e37, 3e37]])
def test_rows_that_shorten_or_turn_an_embedding_stay(row):
    np.testing.assert_array_equal(mean_of(row, [0.5, 0.0]), np.float32(row))


@pytest.mark.parametrize("length", [1.0, 1e10, 1e37])
def test_however_long_a_row_is_it_moves_its_item_no_farther_than_the_limit(length):
    found = mean_of([-length, 0.0], [0.5, 0.0])
    np.testing.assert_allclose(found, [-LIMIT / 0.5, 0.0], rtol=1e-5)


def test_rows_longer_than_float32_has_factors_for_become_zero():
    np.testing.assert_array_equal(mean_of([-3e38, 3e38], [0.5, 0.0]), 0)


def test_what_is_cut_has_the_derivative_of_its_direction():
    def along(row: jax.Array) -> jax.Array:
        uploads = uploads_of(row[None, None])._replace(
            item_embeddings=jnp.array([[0.5, 0.0]])
        )
        return aggregate(chained(clip_growth(LIMIT).make(), MEAN), uploads)[0].rows[0]

    # (x, y) becomes LIMIT / .5 (-1, -y / x).
    found = jax.jacobian(along)(jnp.array([-2.0, 3.0]))
    scale = LIMIT / 0.5
    expected = [[0, 0], [scale * 3 / 2**2, scale / 2]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
