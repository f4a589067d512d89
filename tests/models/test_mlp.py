"""The MLP's scores, loss and gradient, against the definition in float64."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import mlp
from jaxfr.models.mlp import TowerWeights, init_embeddings, init_weights
from tests.models.one_client import (
    DIM,
    PAIRS,
    Client,
    Pairs,
    assert_close,
    compiled,
    drawn_client,
    finite_differences,
    found_by,
    padded_batch,
    pairs_loss,
    penalty,
)

MODEL = mlp().make()

loss_and_gradient = compiled(MODEL)


class Tower(NamedTuple):
    """The network in float64."""

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    output: np.ndarray


def weights_of(tower: Tower) -> TowerWeights:
    return TowerWeights(*(jnp.asarray(leaf, jnp.float32) for leaf in tower))


def drawn_tower(dim: int = DIM) -> Tower:
    random, half = np.random.default_rng(5), math.ceil(dim / 2)
    shapes = (2 * dim, dim), (dim,), (dim, half), (half,), (half,)
    return Tower(
        *(
            random.normal(0, 0.7, shape).astype(np.float32).astype(np.float64)
            for shape in shapes
        )
    )


TOWER = drawn_tower()


def score_by_definition(tower: Tower, user: np.ndarray, item: np.ndarray) -> float:
    """He et al.: the two embeddings behind one another, up the tower."""
    layer = np.concatenate([user, item])
    for matrix, bias in (
        (tower.first, tower.first_bias),
        (tower.second, tower.second_bias),
    ):
        layer = np.maximum(matrix.T @ layer + bias, 0.0)
    return float(tower.output @ layer)


def loss_by_definition(tower: Tower, client: Client, pairs: Pairs) -> float:
    scores = {
        item: score_by_definition(tower, client.user, client.table[item])
        for pair in pairs
        for item in pair
    }
    return pairs_loss(scores, pairs) + penalty(client, pairs)


@pytest.mark.parametrize("dim", [1, 4, 5])
def test_the_score_is_the_tower_s(dim):
    random, tower = np.random.default_rng(dim), drawn_tower(dim)
    user, items = random.normal(size=dim), random.normal(size=(9, dim))
    found = jax.jit(MODEL.scores)(
        weights_of(tower), jnp.float32(user), jnp.float32(items)
    )
    expected = [score_by_definition(tower, user, item) for item in items]
    assert_close(found, np.array(expected))


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_loss_and_gradient_are_the_definition(pairs):
    client = drawn_client(4)
    found = found_by(loss_and_gradient, client, weights_of(TOWER), padded_batch(pairs))
    assert_close(found.loss, loss_by_definition(TOWER, client, pairs))

    def with_user(user: np.ndarray) -> float:
        return loss_by_definition(TOWER, client._replace(user=user), pairs)

    def with_table(table: np.ndarray) -> float:
        return loss_by_definition(TOWER, client._replace(table=table), pairs)

    assert_close(found.user, finite_differences(with_user, client.user))
    assert_close(found.items, finite_differences(with_table, client.table))
    for name, leaf in TOWER._asdict().items():

        def with_leaf(changed: np.ndarray, name: str = name) -> float:
            changed_tower = TOWER._replace(**{name: changed})
            return loss_by_definition(changed_tower, client, pairs)

        expected = finite_differences(with_leaf, leaf)
        assert_close(getattr(found.weights, name), expected)


def test_padding_and_the_item_it_points_to_have_no_influence():
    pairs, client = [(3, 5), (7, 8)], drawn_client()
    changed = client._replace(table=client.table.copy())
    changed.table[0] = 100.0
    narrow = found_by(
        loss_and_gradient, client, weights_of(TOWER), padded_batch(pairs, 2)
    )
    wide = found_by(
        loss_and_gradient, changed, weights_of(TOWER), padded_batch(pairs, 6)
    )
    assert_close(narrow, wide)


def test_layers_start_he_normal_biases_at_zero_and_embeddings_at_one_tenth():
    dim = 128
    weights = jax.jit(init_weights, static_argnums=1)(jax.random.key(0), dim)
    for matrix, inputs in (
        (weights.first, 2 * dim),
        (weights.second, dim),
        (weights.output, dim // 2),
    ):
        assert matrix.shape[0] == inputs
        deviation = np.sqrt(2 / inputs)
        tolerance = 4 / np.sqrt(2 * matrix.size)
        assert abs(np.std(np.asarray(matrix)) / deviation - 1) < tolerance
    assert not np.asarray(weights.first_bias).any()
    assert not np.asarray(weights.second_bias).any()
    embeddings = np.asarray(init_embeddings(jax.random.key(1), 500, 32))
    assert abs(np.std(embeddings) / 0.1 - 1) < 4 / np.sqrt(2 * embeddings.size)
