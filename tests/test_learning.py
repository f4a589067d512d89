"""Steps of rows that learn now and then, against each row's own plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxfr.optimizers import init_rows, learn_rows

ROWS, DIM, STEPS, RATE = 5, 3, 12, 0.1


def momentum_alone(value: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    trace = np.zeros(DIM)
    for gradient in gradients:
        trace = gradient + 0.9 * trace
        value = value - RATE * trace
    return value


def adam_alone(value: np.ndarray, gradients: list[np.ndarray]) -> np.ndarray:
    first, second = np.zeros(DIM), np.zeros(DIM)
    for count, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**count), second / (1 - 0.999**count)
        value = value - RATE * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    return value


@pytest.mark.parametrize(
    ("optimizer", "alone"),
    [(optax.sgd(RATE, momentum=0.9), momentum_alone), (optax.adam(RATE), adam_alone)],
)
def test_a_row_learns_as_if_the_steps_that_it_left_out_did_not_exist(optimizer, alone):
    generator = np.random.default_rng(0)
    start = generator.normal(size=(ROWS, DIM)).astype(np.float32)
    gradients = generator.normal(size=(STEPS, ROWS, DIM)).astype(np.float32)
    learning = generator.random((STEPS, ROWS)) < 0.4
    learning[:, 0], learning[:, 1] = True, False

    values, states = jnp.asarray(start), init_rows(optimizer, jnp.asarray(start))
    for step in range(STEPS):
        values, states = jax.jit(learn_rows, static_argnums=0)(
            optimizer, values, states, gradients[step], learning[step]
        )
    for row in range(ROWS):
        own = list(gradients[learning[:, row], row].astype(np.float64))
        expected = alone(start[row].astype(np.float64), own)
        np.testing.assert_allclose(values[row], expected, rtol=2e-5, atol=2e-5)
