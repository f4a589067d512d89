"""Mimic: whom all copy, and what they send."""

import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import mimic
from tests.attacks.adaptive.population import (
    BENIGN,
    MALICIOUS,
    SOME,
    Population,
    population,
    send,
    start,
)


def uploads_as_vectors(seen: Population) -> np.ndarray:
    """Each client's whole upload, 0 for what it did not send, ``[n, m d]``."""
    sent = seen.rows * seen.sent[..., None]
    return np.swapaxes(sent, 0, 1).reshape(BENIGN, -1)


def test_all_copy_the_client_farthest_along_the_direction_of_most_variance():
    attack, acting = mimic(learning_rounds=3), SOME
    state = start(attack)
    direction = np.asarray(state.direction, np.float64).reshape(-1)
    np.testing.assert_allclose(np.linalg.norm(direction), 1, rtol=1e-5)
    along = np.zeros(BENIGN)
    for number in range(5):
        seen = population(number)
        vectors = uploads_as_vectors(seen)
        if number < 3:
            offset = vectors - vectors.mean(axis=0)
            far = offset @ direction
            image = far @ offset
            direction = direction + image / np.linalg.norm(image)
            direction /= np.linalg.norm(direction)
            along += far
        sent = send(attack, seen, acting, number, state)
        state = sent.after
        copied = int(np.argmax(np.abs(along)))
        expected = seen.sent[:, copied, None] & acting
        np.testing.assert_array_equal(sent.sends[:, 0], expected)
        own = seen.sent[:, copied]
        np.testing.assert_allclose(sent.rows[own, 0], seen.rows[own, copied], 1e-5)
        np.testing.assert_allclose(state.along, along, rtol=1e-3, atol=1e-4)
    assert state.rounds == 3


def test_who_takes_no_part_is_not_copied():
    seen, attack = population(0), mimic(learning_rounds=1)
    first = send(attack, seen)
    copied = int(np.argmax(np.abs(np.asarray(first.after.along))))
    absent = np.arange(BENIGN) == copied
    weight = seen.uploads.weight.reshape(-1, BENIGN) * ~absent
    without = seen.uploads._replace(weight=jnp.asarray(weight.reshape(-1)))
    sent = send(attack, seen._replace(uploads=without), number=1, state=first.after)
    assert sent.sends.any()
    other = np.flatnonzero((seen.sent == sent.sends[:, 0, :1]).all(axis=0))
    assert copied not in other
    assert other.size == 1
    assert sent.sends.shape[2] == MALICIOUS
