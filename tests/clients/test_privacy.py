"""What clients do to their gradients before they upload them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.clients.privacy import Privacy, perturb, protect, pseudo_rows
from jaxfr.models import ClientGradient
from jaxfr.models.batch import Batch, make_batch
from jaxfr.sampling import PADDING_ITEM

DIM, PSEUDO = 3, 2
REAL = np.array(
    [[1.0, -2.0, 0.5], [3.0, -2.0, 0.1], [-1.0, -2.0, 0.9]], dtype=np.float32
)


# --- pseudo items' rows ---


@functools.cache
def many_pseudo_rows() -> np.ndarray:
    """With a row of padding in between that must not count."""
    rows = np.insert(REAL, 1, 1e3, axis=0)
    present = np.array([True, False, True, True])
    draw = jax.jit(pseudo_rows, static_argnums=3)
    return np.asarray(draw(jax.random.key(0), rows, present, 20_000))


def test_pseudo_rows_have_mean_and_deviation_of_the_real_ones_in_each_coordinate():
    drawn, number = many_pseudo_rows(), 20_000
    deviation = REAL.std(axis=0)
    np.testing.assert_array_less(
        np.abs(drawn.mean(axis=0) - REAL.mean(axis=0)),
        4 * deviation / np.sqrt(number) + 1e-5,
    )
    np.testing.assert_allclose(
        drawn.std(axis=0), deviation, rtol=4 / np.sqrt(2 * number), atol=1e-5
    )


def test_pseudo_rows_are_normal_and_their_coordinates_independent():
    drawn = many_pseudo_rows()[:, [0, 2]]
    drawn = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    within_one = np.mean(np.abs(drawn) < 1, axis=0)
    np.testing.assert_allclose(within_one, 0.6827, atol=0.014)
    assert abs(np.mean(drawn[:, 0] * drawn[:, 1])) < 4 / np.sqrt(len(drawn))


def test_without_any_real_row_pseudo_rows_are_zero():
    rows = pseudo_rows(jax.random.key(0), jnp.ones((4, DIM)), jnp.zeros(4, bool), 2)
    np.testing.assert_array_equal(rows, np.zeros((2, DIM)))


# --- clipping and noise ---


def test_without_noise_every_number_is_clipped_to_the_bound():
    gradient = jnp.array([-7.0, -0.2, 0.0, 0.1, 0.3, 9.0])
    found = perturb(jax.random.key(0), gradient, jnp.float32(0.2), jnp.float32(0.0))
    np.testing.assert_array_equal(found, np.clip(gradient, -0.2, 0.2))


def test_the_noise_is_laplace_of_the_given_scale():
    """Whose mean absolute deviation is its scale, and deviation its square root 2."""
    number, scale = 40_000, 0.3
    gradient = jnp.tile(jnp.array([5.0, 1.0]), number // 2)  # one is clipped, one not
    found = perturb(jax.random.key(1), gradient, jnp.float32(2), jnp.float32(scale))
    noise = np.asarray(found) - np.clip(gradient, -2, 2)
    assert abs(noise.mean()) < 4 * scale * np.sqrt(2 / number)
    assert abs(np.abs(noise).mean() / scale - 1) < 4 / np.sqrt(number)
    assert abs(noise.std() / (np.sqrt(2) * scale) - 1) < 0.03


# --- one client's upload ---


@functools.cache
def batch() -> Batch:
    """Two of three positives exist; a negative came twice; two pseudo items."""
    positives = jnp.array([4, 7, PADDING_ITEM])
    negatives = jnp.array([2, 2, PADDING_ITEM])
    return make_batch(positives, negatives, jnp.array([9, 8]))


def gradient() -> ClientGradient:
    """In the scaled form of FedMF, with weights of two leaves."""
    number = batch().items.size
    return ClientGradient(
        user=jnp.full(DIM, 50.0),
        vectors=jnp.asarray(REAL),
        vector=jnp.arange(number) % 3,
        scale=jnp.where(batch().present, 1.0 + jnp.arange(number), 0.0),
        item_scale=jnp.where(batch().trained, 0.5, 0.0),
        weights=(jnp.full(4, 30.0), jnp.full((2, 2), -30.0)),
    )


def items() -> np.ndarray:
    number = batch().items.size
    return np.random.default_rng(0).normal(size=(number, DIM)).astype(np.float32)


def plain_rows(of: ClientGradient) -> np.ndarray:
    rows = np.asarray(of.scale)[:, None] * np.asarray(of.vectors)[np.asarray(of.vector)]
    return rows + np.asarray(of.item_scale)[:, None] * items()


compiled_protect = jax.jit(protect)


def protected(
    clip: float | None = None, noise: float = 0.0, client: int = 3, key: int = 0
) -> ClientGradient:
    bound = None if clip is None else jnp.float32(clip)
    privacy = Privacy(jax.random.key(key), bound, jnp.float32(noise))
    return compiled_protect(privacy, client, gradient(), items(), batch())


def test_with_pseudo_items_alone_what_is_real_stays_as_it_is():
    found, before = protected(), gradient()
    real = np.asarray(batch().trained)
    np.testing.assert_allclose(
        plain_rows(found)[real], plain_rows(before)[real], rtol=1e-6
    )
    np.testing.assert_array_equal(found.user, before.user)
    jax.tree.map(np.testing.assert_array_equal, found.weights, before.weights)


def test_everything_uploaded_is_clipped_and_what_is_not_stays_as_it_is():
    found = protected(clip=0.25)
    real = np.asarray(batch().trained)
    expected = np.clip(plain_rows(gradient())[real], -0.25, 0.25)
    np.testing.assert_allclose(plain_rows(found)[real], expected, rtol=1e-6)
    assert np.max(np.abs(plain_rows(found))) <= 0.25  # pseudo items' rows too
    np.testing.assert_array_equal(found.weights[0], np.full(4, 0.25))
    np.testing.assert_array_equal(found.weights[1], np.full((2, 2), -0.25))
    np.testing.assert_array_equal(found.user, gradient().user)


def test_pseudo_items_send_rows_drawn_by_the_real_ones():
    """Whose mean and deviation they have, by what a key of the client's own draws."""
    rows = jnp.asarray(plain_rows(gradient()))
    key = jax.random.split(jax.random.fold_in(jax.random.key(0), 3), 3)[0]
    expected = pseudo_rows(key, rows, batch().trained, PSEUDO)
    found = plain_rows(protected())[batch().num_paired :]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_every_number_uploaded_gets_noise_of_its_own():
    found, clipped = protected(clip=0.25, noise=1.0), protected(clip=0.25)
    sent = np.asarray(batch().present)
    noise = [
        (plain_rows(found) - plain_rows(clipped))[sent].ravel(),
        *(
            np.ravel(one - other)
            for one, other in zip(found.weights, clipped.weights, strict=True)
        ),
    ]
    noise = np.concatenate(noise)
    assert noise.size == 5 * DIM + 8
    assert np.all(noise != 0)
    assert len(np.unique(np.round(noise, 5))) == noise.size
    np.testing.assert_array_equal(found.user, gradient().user)


@pytest.mark.parametrize("changes", [{"client": 4}, {"key": 1}])
def test_every_client_and_every_round_draws_anew(changes):
    one, other = protected(0.25, 1.0), protected(0.25, 1.0, **changes)
    sent = np.asarray(batch().present)
    assert np.all(plain_rows(one)[sent] != plain_rows(other)[sent])
