"""FedMF's loss and gradient, against the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import ClientView, Neighbours, PairGradient, fedmf
from jaxfr.models.batch import Batch, make_batch
from jaxfr.sampling import PADDING_ITEM

NUM_ITEMS, DIM, REGULARIZATION = 20, 4, 0.3

MODEL = fedmf().make()
batch_of = jax.jit(make_batch)


def view_of(user: jax.Array, table: jax.Array, batch: Batch) -> ClientView:
    nobody = Neighbours(jnp.zeros((0, DIM)), jnp.zeros(0, bool))
    return ClientView(user, table[batch.items], (), nobody)


@jax.jit
def loss(user: jax.Array, table: jax.Array, batch: Batch) -> jax.Array:
    view = view_of(user, table, batch)
    return MODEL.loss(view, batch, jnp.float32(REGULARIZATION))


@jax.jit
def gradient(user: jax.Array, table: jax.Array, batch: Batch):
    """By the user, and by every item of the table, where the batch has it."""
    view = view_of(user, table, batch)
    found = MODEL.gradient(view, batch, jnp.float32(REGULARIZATION))
    items = found.scale[:, None] * found.vectors[found.vector]
    items += found.item_scale[:, None] * table[batch.items]
    return found.user, jnp.zeros_like(table).at[batch.items].add(items)


@jax.jit
def pair_gradients(
    user: jax.Array, positives: jax.Array, negatives: jax.Array, present: jax.Array
) -> PairGradient:
    assert MODEL.pair_gradients is not None
    return MODEL.pair_gradients(user, positives, negatives, present)


# Pairs (positive, negative); the same negative may come twice.
PAIRS = {
    "one pair": [(3, 5)],
    "a negative drawn twice": [(3, 5), (0, 5), (9, 1)],
    "as many as there is room": [(i, 10 + i // 2) for i in range(6)],
}


def padded_batch(pairs, width: int = 6) -> Batch:
    columns = np.full((2, width), PADDING_ITEM, np.int32)
    columns[:, : len(pairs)] = np.transpose(pairs)
    return batch_of(*columns)


def embeddings(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    user, table = random.normal(size=DIM), random.normal(size=(NUM_ITEMS, DIM))
    return user.astype(np.float32), table.astype(np.float32)


def loss_by_definition(user: np.ndarray, table: np.ndarray, pairs) -> float:
    user, table = user.astype(np.float64), table.astype(np.float64)
    margins = [user @ table[j] - user @ table[k] for j, k in pairs]
    squares = sum(np.sum(table[item] ** 2) for item in {i for p in pairs for i in p})
    ranking = -sum(np.log(1 / (1 + np.exp(-margin))) for margin in margins)
    return ranking + REGULARIZATION / 2 * (np.sum(user**2) + squares)


def gradient_by_definition(user: np.ndarray, table: np.ndarray, pairs):
    user, table = user.astype(np.float64), table.astype(np.float64)
    by_user, by_items = REGULARIZATION * user, np.zeros_like(table)
    for item in {item for pair in pairs for item in pair}:
        by_items[item] = REGULARIZATION * table[item]
    for j, k in pairs:
        slope = -1 / (1 + np.exp(user @ table[j] - user @ table[k]))
        by_user = by_user + slope * (table[j] - table[k])
        by_items[j] += slope * user
        by_items[k] -= slope * user
    return by_user, by_items


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_the_loss_is_the_definition(pairs):
    found = loss(*embeddings(), padded_batch(pairs))
    np.testing.assert_allclose(found, loss_by_definition(*embeddings(), pairs), 1e-6)


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_the_gradient_is_the_definition(pairs):
    found = gradient(*embeddings(), padded_batch(pairs))
    expected = gradient_by_definition(*embeddings(), pairs)
    for value, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


def test_padding_and_the_item_it_points_to_have_no_influence():
    pairs = [(3, 5), (7, 8)]
    user, table = embeddings()
    changed = table.copy()
    changed[0] = 100.0
    narrow, wide = padded_batch(pairs, 2), padded_batch(pairs, 6)
    np.testing.assert_allclose(
        loss(user, table, narrow), loss(user, changed, wide), rtol=1e-6
    )
    for tight, padded in zip(
        gradient(user, table, narrow), gradient(user, changed, wide), strict=True
    ):
        np.testing.assert_allclose(tight, padded, rtol=1e-6, atol=1e-7)


def test_extreme_scores_neither_overflow_nor_vanish():
    user, table = embeddings()
    table[3], table[5] = -40 * user, 40 * user
    for pairs in ([(3, 5)], [(5, 3)]):
        by_user, by_items = gradient(user, table, padded_batch(pairs))
        expected = gradient_by_definition(user, table, pairs)
        np.testing.assert_allclose(by_user, expected[0], rtol=1e-5)
        np.testing.assert_allclose(by_items, expected[1], rtol=1e-5)


# --- pair by pair ---


def rows_of_pairs(table: np.ndarray, pairs) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of the positives and of the negatives."""
    positives, negatives = np.transpose(pairs)
    return table[positives], table[negatives]


@pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)
def test_the_pairs_gradients_and_the_regulariser_add_up_to_the_gradient(pairs):
    user, table = embeddings()
    found = pair_gradients(
        user, *rows_of_pairs(table, pairs), np.ones(len(pairs), bool)
    )
    by_items = np.zeros(table.shape)
    for (positive, negative), slope in zip(pairs, np.asarray(found.slope), strict=True):
        by_items[positive] += slope * user
        by_items[negative] -= slope * user
    distinct = np.unique(pairs)
    by_items[distinct] += REGULARIZATION * table[distinct]
    by_user = found.user + REGULARIZATION * user
    expected = gradient_by_definition(user, table, pairs)
    for value, wanted in zip((by_user, by_items), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


def test_a_pair_that_does_not_count_has_no_influence():
    pairs, user, table = PAIRS["a negative drawn twice"], *embeddings()
    positives, negatives = rows_of_pairs(table, pairs)
    present = np.array([True, False, True])
    found = pair_gradients(user, positives, negatives, present)
    alone = pair_gradients(user, positives[::2], negatives[::2], np.ones(2, bool))
    np.testing.assert_allclose(found.user, alone.user, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.slope[::2], alone.slope, rtol=1e-6)
    assert found.slope[1] == 0


def test_slopes_of_extreme_scores_neither_overflow_nor_vanish():
    user, table = embeddings()
    table[3], table[5] = -40 * user, 40 * user
    for pairs in ([(3, 5)], [(5, 3)]):
        positives, negatives = rows_of_pairs(table, pairs)
        found = pair_gradients(user, positives, negatives, np.ones(1, bool))
        difference = (positives - negatives).astype(np.float64)
        slope = -1 / (1 + np.exp(difference @ user))
        np.testing.assert_allclose(found.slope, slope, rtol=1e-5)
        np.testing.assert_allclose(found.user, slope @ difference, rtol=1e-5)


# --- scores and initial embeddings ---


def test_items_are_scored_by_the_inner_product():
    user, table = embeddings()
    found = MODEL.scores((), jnp.asarray(user), jnp.asarray(table))
    np.testing.assert_allclose(found, table @ user, rtol=1e-5)


def test_embeddings_start_from_a_normal_law_of_deviation_one_hundredth():
    drawn = np.asarray(MODEL.init_embeddings(jax.random.key(0), 500, 32))
    assert drawn.shape == (500, 32)
    deviation_of_mean = 0.01 / np.sqrt(drawn.size)
    assert abs(drawn.mean()) < 4 * deviation_of_mean
    assert abs(drawn.std() / 0.01 - 1) < 4 / np.sqrt(2 * drawn.size)
    within_one = np.mean(np.abs(drawn) < 0.01)
    assert abs(within_one - 0.6827) < 4 * np.sqrt(0.6827 * 0.3173 / drawn.size)
