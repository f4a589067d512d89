"""One client for tests of models: its pairs, and what a model makes of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.models import ClientView, Model, Neighbours, Weights
from jaxfr.models.batch import Batch, make_batch
from jaxfr.sampling import PADDING_ITEM

NUM_ITEMS, DIM, REGULARIZATION = 20, 4, 0.3

# Pairs (positive, negative); the same negative may come twice.
PAIRS = {
    "one pair": [(3, 5)],
    "distinct negatives": [(3, 5), (0, 2), (9, 19)],
    "a negative drawn twice": [(3, 5), (0, 5), (9, 1)],
    "as many as there is room": [(i, 10 + i // 2) for i in range(6)],
}

Pairs = list[tuple[int, int]]

batch_of = jax.jit(make_batch)


class Client(NamedTuple):
    """The numbers that a loss depends on, in float64."""

    user: np.ndarray
    table: np.ndarray
    neighbours: np.ndarray


class Found(NamedTuple):
    """What a model computes; ``items`` for every item of the table."""

    loss: jax.Array
    user: jax.Array
    items: jax.Array
    weights: Weights


def drawn_client(seed: int = 0, neighbours: int = 0) -> Client:
    """Numbers that are exact in float32 too."""
    random = np.random.default_rng(seed)
    shapes = (DIM,), (NUM_ITEMS, DIM), (neighbours, DIM)
    numbers = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    return Client(*(values.astype(np.float64) for values in numbers))


def padded_batch(pairs: Pairs, width: int = 6, pseudo: tuple[int, ...] = ()) -> Batch:
    columns = np.full((2, width), PADDING_ITEM, np.int32)
    columns[:, : len(pairs)] = np.transpose(pairs)
    return batch_of(*columns, np.array(pseudo, np.int32))


def compiled(model: Model) -> Callable[..., Any]:
    """Loss and gradient of a model, as ``Found`` has them."""

    @jax.jit
    def run(
        user: jax.Array,
        table: jax.Array,
        weights: Weights,
        neighbours: Neighbours,
        batch: Batch,
    ) -> Found:
        view = ClientView(user, table[batch.items], weights, neighbours)
        gradient = model.gradient(view, batch, jnp.float32(REGULARIZATION))
        rows = gradient.scale[:, None] * gradient.vectors[gradient.vector]
        rows += gradient.item_scale[:, None] * view.items
        items = jnp.zeros_like(table).at[batch.items].add(rows)
        loss = model.loss(view, batch, jnp.float32(REGULARIZATION))
        return Found(loss, gradient.user, items, gradient.weights)

    return run


def found_by(
    run: Callable[..., Any], client: Client, weights: Weights, batch: Batch
) -> Found:
    """Runs what :func:`compiled` made, on float32 numbers; all neighbours exist."""
    user, table, embeddings = (x.astype(np.float32) for x in client)
    exist = np.ones(embeddings.shape[0], bool)
    neighbours = Neighbours(jnp.asarray(embeddings), jnp.asarray(exist))
    weights = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), weights)
    return run(user, table, weights, neighbours, batch)


def pairs_loss(scores: dict[int, float], pairs: Pairs) -> float:
    """The pairwise part of the loss, from the scores of the items."""
    return sum(np.log1p(np.exp(scores[k] - scores[j])) for j, k in pairs)


def penalty(client: Client, pairs: Pairs) -> float:
    """The part of the loss that keeps embeddings small."""
    squares = sum(np.sum(client.table[i] ** 2) for i in {i for p in pairs for i in p})
    return REGULARIZATION / 2 * (np.sum(client.user**2) + squares)


def finite_differences(
    function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """The derivative of a function of an array, number by number, in float64."""
    slopes = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        change = np.zeros(at.shape)
        change[place] = step
        slopes[place] = (function(at + change) - function(at - change)) / (2 * step)
    return slopes


def assert_close(found: Any, expected: Any) -> None:
    """Two pytrees of numbers, the same but for float32 rounding."""
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5),
        tuple(jax.tree.leaves(found)),
        tuple(jax.tree.leaves(expected)),
    )
