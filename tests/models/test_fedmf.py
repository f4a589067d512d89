"""FedMF's loss and gradients, whole and pair by pair, against the definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.models import PairGradient, fedmf
from tests.models import plain_fedmf
from tests.models.one_client import (
    DIM,
    NUM_ITEMS,
    PAIRS,
    REGULARIZATION,
    Client,
    Pairs,
    assert_close,
    compiled,
    drawn_client,
    found_by,
    padded_batch,
)

MODEL = fedmf().make()
loss_and_gradient = compiled(MODEL)
every_client = pytest.mark.parametrize("pairs", PAIRS.values(), ids=PAIRS)


def by_definition(client: Client, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """The derivative by the user and by every item of the table."""
    of_client = client.user, client.table, pairs, REGULARIZATION
    by_user, by_item = plain_fedmf.gradient(*of_client)
    return by_user, np.array([by_item.get(j, np.zeros(DIM)) for j in range(NUM_ITEMS)])


@jax.jit
def pair_gradients(
    user: jax.Array, positives: jax.Array, negatives: jax.Array, present: jax.Array
) -> PairGradient:
    assert MODEL.pair_gradients is not None
    return MODEL.pair_gradients(user, positives, negatives, present)


def of_pairs(client: Client, pairs: Pairs, present: np.ndarray) -> PairGradient:
    positives, negatives = client.table[np.transpose(pairs)]
    rows = (np.float32(rows) for rows in (client.user, positives, negatives))
    return pair_gradients(*rows, present)


@every_client
def test_loss_and_gradient_are_the_definition(pairs):
    client = drawn_client()
    found = found_by(loss_and_gradient, client, (), padded_batch(pairs))
    loss = plain_fedmf.loss(client.user, client.table, pairs, REGULARIZATION)
    assert_close(found.loss, loss)
    assert_close((found.user, found.items), by_definition(client, pairs))


def test_padding_and_the_item_it_points_to_have_no_influence():
    pairs, client = [(3, 5), (7, 8)], drawn_client()
    changed = client._replace(table=client.table.copy())
    changed.table[0] = 100.0
    narrow = found_by(loss_and_gradient, client, (), padded_batch(pairs, 2))
    wide = found_by(loss_and_gradient, changed, (), padded_batch(pairs, 6))
    assert_close(narrow, wide)


def far_apart() -> Client:
    """One item scored as low, and another as high, as hardly any number is."""
    client = drawn_client()
    client.table[3], client.table[5] = -40 * client.user, 40 * client.user
    return client


@pytest.mark.parametrize("pair", [(3, 5), (5, 3)])
def test_extreme_scores_neither_overflow_nor_vanish(pair):
    client = far_apart()
    by_user, by_items = by_definition(client, [pair])
    whole = found_by(loss_and_gradient, client, (), padded_batch([pair]))
    np.testing.assert_allclose(whole.user, by_user, rtol=1e-5)
    np.testing.assert_allclose(whole.items, by_items, rtol=1e-5)
    alone = of_pairs(client, [pair], np.ones(1, bool))
    of_user = REGULARIZATION * client.user
    np.testing.assert_allclose(alone.user + of_user, by_user, rtol=1e-5)


@every_client
def test_the_pairs_gradients_and_the_regulariser_add_up_to_the_gradient(pairs):
    client = drawn_client()
    found = of_pairs(client, pairs, np.ones(len(pairs), bool))
    by_items = np.zeros(client.table.shape)
    for (positive, negative), slope in zip(pairs, np.asarray(found.slope), strict=True):
        by_items[positive] += slope * client.user
        by_items[negative] -= slope * client.user
    distinct = np.unique(pairs)
    by_items[distinct] += REGULARIZATION * client.table[distinct]
    by_user = found.user + REGULARIZATION * client.user
    assert_close((by_user, by_items), by_definition(client, pairs))


def test_a_pair_that_does_not_count_has_no_influence():
    pairs, client = PAIRS["a negative drawn twice"], drawn_client()
    found = of_pairs(client, pairs, np.array([True, False, True]))
    alone = of_pairs(client, pairs[::2], np.ones(2, bool))
    assert_close((found.user, found.slope[::2]), (alone.user, alone.slope))
    assert found.slope[1] == 0


def test_items_are_scored_by_the_inner_product():
    client = drawn_client()
    found = MODEL.scores((), jnp.float32(client.user), jnp.float32(client.table))
    assert_close(found, client.table @ client.user)


def test_embeddings_start_from_a_normal_law_of_deviation_one_hundredth():
    drawn = np.asarray(MODEL.init_embeddings(jax.random.key(0), 500, 32))
    assert drawn.shape == (500, 32)
    deviation_of_mean = 0.01 / np.sqrt(drawn.size)
    assert abs(drawn.mean()) < 4 * deviation_of_mean
    assert abs(drawn.std() / 0.01 - 1) < 4 / np.sqrt(2 * drawn.size)
    within_one = np.mean(np.abs(drawn) < 0.01)
    assert abs(within_one - 0.6827) < 4 * np.sqrt(0.6827 * 0.3173 / drawn.size)
