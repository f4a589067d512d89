"""Shared weights as one row of numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import MODELS, fedgnn
from jaxfr.models.base import flatten, num_weights, unflatten
from jaxfr.models.fedgnn import GraphWeights


@pytest.mark.parametrize("dim", [1, 5])
@pytest.mark.parametrize("name", MODELS)
def test_the_weights_come_back_from_their_row(name, dim):
    model = MODELS[name]().make()

    @jax.jit
    def there_and_back(key: jax.Array):
        weights = model.init_weights(key, dim)
        row = flatten(weights)
        return weights, row, unflatten(model, row, dim)

    weights, row, again = there_and_back(jax.random.key(0))
    assert row.shape == (num_weights(model, dim),)
    assert jax.tree.structure(again) == jax.tree.structure(weights)
    jax.tree.map(np.testing.assert_array_equal, again, weights)


@pytest.mark.parametrize("dim", [1, 5, 32])
def test_the_number_of_weights_is_that_of_the_model(dim):
    half = (dim + 1) // 2
    expected = {
        "fedmf": 0,
        "fedgnn": 2 * dim**2 + 2 * dim,
        "mlp": 2 * dim**2 + dim + dim * half + half + half,
    }
    found = {name: num_weights(MODELS[name]().make(), dim) for name in MODELS}
    assert found == expected


def test_the_row_has_each_matrix_line_by_line_in_the_order_of_the_fields():
    weights = GraphWeights(
        own=jnp.array([[0.0, 1.0], [2.0, 3.0]]),
        node=jnp.array([[4.0, 5.0], [6.0, 7.0]]),
        attention=jnp.array([8.0, 9.0, 10.0, 11.0]),
    )
    np.testing.assert_array_equal(flatten(weights), np.arange(12))
    own, node, attention = unflatten(fedgnn().make(), jnp.arange(12.0), 2)
    np.testing.assert_array_equal(own, weights.own)
    np.testing.assert_array_equal(node, weights.node)
    np.testing.assert_array_equal(attention, weights.attention)
