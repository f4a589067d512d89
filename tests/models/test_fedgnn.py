"""FedGNN's representation, loss and gradient, against the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import fedgnn
from jaxfr.models.fedgnn import GraphWeights, init_weights, represent
from tests.models import plain_fedgnn
from tests.models.one_client import (
    DIM,
    PAIRS,
    REGULARIZATION,
    assert_close,
    compiled,
    drawn_client,
    finite_differences,
    found_by,
    padded_batch,
)
from tests.models.plain_fedgnn import drawn_theta

MODEL = fedgnn().make()
THETA = drawn_theta(7, DIM)
WEIGHTS = GraphWeights(*(jnp.asarray(leaf, jnp.float32) for leaf in THETA))

loss_and_gradient = compiled(MODEL)
representation = jax.jit(represent)
by_everything = jax.jit(
    jax.jacrev(represent, argnums=(0, 1, 2))  # by weights, user and nodes
)

every_client = pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)


# --- the representation ---


@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_the_representation_is_the_definition(nodes):
    random = np.random.default_rng(nodes)
    user, around = random.normal(size=DIM), random.normal(size=(nodes, DIM))
    fits, _ = plain_fedgnn.attention(THETA, user, list(around))
    assert nodes < 7 or 0 < np.sum(fits > 0) < nodes  # both sides of LeakyReLU
    found = representation(
        WEIGHTS, jnp.float32(user), jnp.float32(around), np.ones(nodes, bool)
    )
    expected = plain_fedgnn.representation(THETA, user, list(around))
    assert_close(found, expected)


def test_a_node_that_is_absent_has_no_influence():
    random = np.random.default_rng(0)
    user, around = random.normal(size=DIM), random.normal(size=(5, DIM))
    present = np.array([True, False, True, True, False])
    around[~present] = 1e4
    arguments = WEIGHTS, jnp.float32(user), jnp.float32(around), present
    expected = plain_fedgnn.representation(THETA, user, list(around[present]))
    assert_close(representation(*arguments), expected)
    _, _, by_nodes = by_everything(*arguments)
    assert np.all(by_nodes[:, ~present] == 0)
    assert np.all(np.any(by_nodes[:, present] != 0, axis=(0, 2)))


@pytest.mark.parametrize("nodes", [0, 3])
def test_without_any_node_it_is_w_s_u_and_has_finite_derivatives(nodes):
    user = np.random.default_rng(1).normal(size=DIM)
    absent = jnp.ones((nodes, DIM)), np.zeros(nodes, bool)
    arguments = WEIGHTS, jnp.float32(user), *absent
    assert_close(representation(*arguments), THETA.own @ user)
    by_weights, by_user, by_nodes = by_everything(*arguments)
    assert_close(by_user, THETA.own)
    assert np.all(np.isfinite(by_weights.own))
    for zero in (by_weights.node, by_weights.attention, by_nodes):
        assert np.all(zero == 0)


def test_large_fits_do_not_overflow():
    user, around = np.full(DIM, 300.0), np.full((3, DIM), 200.0)
    around[1] *= -1
    found = representation(
        WEIGHTS, jnp.float32(user), jnp.float32(around), np.ones(3, bool)
    )
    assert np.all(np.isfinite(found))


# --- the loss and its derivative ---


@pytest.mark.parametrize("neighbours", [0, 4])
@every_client
def test_loss_and_gradient_are_the_definition(pairs, neighbours):
    client = drawn_client(neighbours=neighbours)
    found = found_by(loss_and_gradient, client, WEIGHTS, padded_batch(pairs))
    expected = plain_fedgnn.gradient(THETA, client, pairs, REGULARIZATION)
    assert_close(found.loss, plain_fedgnn.loss(THETA, client, pairs))
    assert_close((found.user, found.items, found.weights), expected)


def test_the_definition_s_gradient_is_the_slope_of_its_loss():
    pairs, client = PAIRS["a negative drawn twice"], drawn_client(2, neighbours=3)
    found = plain_fedgnn.gradient(THETA, client, pairs, REGULARIZATION)

    def with_user(user: np.ndarray) -> float:
        return plain_fedgnn.loss(THETA, client._replace(user=user), pairs)

    def with_table(table: np.ndarray) -> float:
        return plain_fedgnn.loss(THETA, client._replace(table=table), pairs)

    slopes = [
        finite_differences(with_user, client.user),
        finite_differences(with_table, client.table),
    ]
    for name, leaf in THETA._asdict().items():

        def with_leaf(changed: np.ndarray, name: str = name) -> float:
            return plain_fedgnn.loss(THETA._replace(**{name: changed}), client, pairs)

        slopes.append(finite_differences(with_leaf, leaf))
    for one, other in zip(jax.tree.leaves(found), slopes, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def test_padding_and_the_item_it_points_to_have_no_influence():
    pairs, client = [(3, 5), (7, 8)], drawn_client()
    changed = client._replace(table=client.table.copy())
    changed.table[0] = 100.0
    narrow = found_by(loss_and_gradient, client, WEIGHTS, padded_batch(pairs, 2))
    wide = found_by(loss_and_gradient, changed, WEIGHTS, padded_batch(pairs, 6))
    assert_close(narrow, wide)


def test_a_pseudo_item_has_no_part_in_graph_or_loss():
    pairs, client = PAIRS["distinct negatives"], drawn_client()
    plain = found_by(loss_and_gradient, client, WEIGHTS, padded_batch(pairs))
    pretending = padded_batch(pairs, pseudo=(11, 12))
    assert np.sum(pretending.present) == 8
    assert_close(found_by(loss_and_gradient, client, WEIGHTS, pretending), plain)


def test_items_are_scored_by_the_inner_product_with_the_representation():
    client = drawn_client(3)
    h, table = jnp.float32(client.user), jnp.float32(client.table)
    assert_close(MODEL.scores(WEIGHTS, h, table), client.table @ client.user)


# --- what it starts from ---


def test_matrices_start_glorot_uniform_and_the_attention_normal():
    dim = 100
    draw = jax.jit(init_weights, static_argnums=1)
    weights = jax.tree.map(np.asarray, draw(jax.random.key(0), dim))
    limit = np.sqrt(6 / (2 * dim))
    for matrix in (weights.own, weights.node):
        assert matrix.shape == (dim, dim)
        assert np.max(np.abs(matrix)) <= limit
        assert np.max(np.abs(matrix)) > 0.99 * limit
        deviation = limit / np.sqrt(3)  # of a uniform law
        assert abs(np.std(matrix) / deviation - 1) < 0.03
        assert abs(np.mean(matrix)) < 4 * deviation / dim
    assert weights.attention.shape == (2 * dim,)
    assert np.any(weights.own != weights.node)
    assert abs(np.std(weights.attention) / 0.1 - 1) < 4 / np.sqrt(4 * dim)
    assert np.max(np.abs(weights.attention)) > 0.2
    assert abs(np.mean(weights.attention)) < 4 * 0.1 / np.sqrt(2 * dim)
