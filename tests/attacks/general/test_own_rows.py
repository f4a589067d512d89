"""Gaussian and Fang: rows that each malicious client draws for itself."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.uploads import Uploads
from tests.attacks.scopes import (
    CLIENTS,
    EVERYONE,
    SOME,
    benign_uploads,
    every_scope,
    expected_weight,
    moments,
    rows_in_scope,
    send,
)
from tests.uploads.samples import DIM, NUM_ITEMS


def gaussian(key: jax.Array, rows: np.ndarray) -> np.ndarray:
    mean, deviation = moments(rows)
    return mean + deviation * np.asarray(jax.random.normal(key, (DIM,)))


def fang(key: jax.Array, rows: np.ndarray) -> np.ndarray:
    mean, deviation = moments(rows)
    steps = jax.random.uniform(key, (DIM,), minval=3.0, maxval=4.0)
    return mean - np.sign(mean) * np.asarray(steps) * deviation


def beyond_the_extreme(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The near and the far end of full knowledge's interval, ``[d]`` each."""
    near, far = np.zeros(DIM), np.zeros(DIM)
    for c, values in enumerate(rows.T if len(rows) else []):
        if values.mean() > 0:
            near[c] = values.min()
            far[c] = near[c] / 2 if near[c] > 0 else 2 * near[c]
        else:
            near[c] = values.max()
            far[c] = 2 * near[c] if near[c] > 0 else near[c] / 2
    return near, far


def fang_full_knowledge(key: jax.Array, rows: np.ndarray) -> np.ndarray:
    near, far = beyond_the_extreme(rows)
    return near + np.asarray(jax.random.uniform(key, (DIM,))) * (far - near)


ROW_OF: dict[str, Callable[[jax.Array, np.ndarray], np.ndarray]] = {
    one.__name__: one for one in (gaussian, fang, fang_full_knowledge)
}


def one_sided(seed: int) -> Uploads:
    """Benign rows of one sign in each coordinate: extremes on either side of 0."""
    benign = benign_uploads(seed)
    signs = np.array([1, -1, 1], np.float32)
    return benign._replace(
        scale=np.abs(benign.scale),
        item_scale=np.float32(0.0),
        vectors=signs * np.abs(benign.vectors),
        tables=tuple(
            table._replace(rows=signs * np.abs(table.rows)) for table in benign.tables
        ),
    )


def key_of(seed: int, number: int, client: int, item: int) -> jax.Array:
    """A draw follows from seed, round, client and item, and from nothing else."""
    key = jax.random.key(seed)
    for told in (number, client, item):
        key = jax.random.fold_in(key, told)
    return key


@pytest.mark.parametrize(("sided", "number", "seed"), [(False, 0, 2), (True, 3, 0)])
@every_scope
@pytest.mark.parametrize("name", ROW_OF)
def test_every_client_draws_its_row_of_every_item_by_the_definition(
    name, scope, sided, number, seed
):
    benign = one_sided(0) if sided else benign_uploads(0)
    acting = SOME if sided else EVERYONE
    sent = send(name, benign, scope, acting, number, seed)
    assert sent.participants == acting.sum()
    assert sent.rows.shape == (NUM_ITEMS, CLIENTS, DIM)
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        expected = acting * expected_weight(benign, scope, item)
        np.testing.assert_array_equal(sent.weight[item], expected)
        for client in range(CLIENTS):
            row = ROW_OF[name](key_of(seed, number, client, item), rows)
            found = sent.rows[item, client]
            np.testing.assert_allclose(found, row, rtol=1e-4, atol=1e-5)


def test_extremes_lie_on_either_side_of_zero():
    """What the test above is to cover: all four intervals of full knowledge."""
    kinds = {
        (bool(mean > 0), bool(extreme > 0))
        for benign in (benign_uploads(0), one_sided(0))
        for rows in rows_in_scope(benign, "sparse")
        if len(rows)
        for mean, extreme in zip(
            rows.mean(axis=0), beyond_the_extreme(rows)[0], strict=True
        )
    }
    assert kinds == {(True, True), (True, False), (False, True), (False, False)}


@every_scope
@pytest.mark.parametrize("name", [*ROW_OF, "lie"])
def test_nothing_sent_at_all_makes_no_nan(name, scope):
    benign = benign_uploads(4)
    nothing = benign._replace(
        weight=jnp.zeros_like(benign.weight), tables=(), participants=jnp.int32(0)
    )
    np.testing.assert_array_equal(send(name, nothing, scope).rows, 0)
