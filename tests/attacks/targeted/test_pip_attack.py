"""PipAttack: groups by popularity, the network that tells them, and the rows."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxfr.attacks import pip_attack
from jaxfr.attacks.targeted.pip_attack import (
    group_logs,
    group_loss,
    init_classifier,
    popularity_groups,
)
from tests.attacks.known import TASK, knowledge_of, view_of

DIM, ITEMS = 3, 40
TARGETS = [2, 7]
# Benign clients have 1 and 2 positives, and as many negatives.
UNIT = 3 / len(TARGETS)
LAYERS = [(DIM, 16), (16, 8), (8, 3)]


def items_of(seed: int) -> np.ndarray:
    """Popular items, which are the first ones, lie elsewhere than the others."""
    drawn = np.random.default_rng(seed).normal(size=(ITEMS, DIM))
    drawn[:4] += [8.0, 0.0, 0.0]
    drawn[4:18] += [0.0, 8.0, 0.0]
    return drawn.astype(np.float32)


POPULARITY = np.arange(ITEMS)[::-1]


def logs_of(classifier: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Layer by layer, as one writes it down."""
    value, numbers = item.astype(np.float64), np.asarray(classifier, np.float64)
    for depth, (inner, outer) in enumerate(LAYERS):
        if depth:
            value = np.maximum(value, 0)
        layer, numbers = numbers[: inner * outer], numbers[inner * outer :]
        value = value @ layer.reshape(inner, outer) + numbers[:outer]
        numbers = numbers[outer:]
    assert numbers.size == 0
    return value - np.log(np.sum(np.exp(value)))


@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_is_popular_and_the_next_35_percent_are_less_so(seed):
    random = np.random.default_rng(seed)
    # Many items are equally popular, and ties go up.
    popularity = random.integers(0, 15, ITEMS)
    descending = np.sort(popularity)[::-1]
    least = descending[[4, 18]]
    expected = np.where(
        popularity >= least[0], 0, np.where(popularity >= least[1], 1, 2)
    )
    np.testing.assert_array_equal(popularity_groups(jnp.asarray(popularity)), expected)


def test_the_network_is_three_rectified_layers_and_a_softmax():
    classifier = init_classifier(jax.random.key(0), DIM)
    # Biases that are not 0 are read, too.
    classifier += 0.1 * np.random.default_rng(1).normal(size=classifier.size)
    logs = [logs_of(np.asarray(classifier), item) for item in items_of(0)]
    found = jax.vmap(group_logs, in_axes=(None, 0))(
        classifier, jnp.asarray(items_of(0))
    )
    np.testing.assert_allclose(found, logs, rtol=1e-4, atol=1e-5)
    group, shown = np.arange(ITEMS) % 3, np.arange(ITEMS) != 5
    expected = -np.mean([logs[j][group[j]] for j in range(ITEMS) if shown[j]])
    given = map(jnp.asarray, (items_of(0), group, shown))
    np.testing.assert_allclose(group_loss(classifier, *given), expected, rtol=1e-5)


def test_the_network_learns_from_all_but_the_targets_by_adam():
    knowledge = knowledge_of(POPULARITY, 2, DIM, targets=TARGETS)
    attack = pip_attack(steps=3, rate=0.1).make()
    before = attack.init(jax.random.key(1), knowledge)
    _, after = attack.upload(before, view_of(items_of(2), np.ones(2, bool)))
    shown = ~np.isin(np.arange(ITEMS), TARGETS)
    items, group = items_of(2)[shown], before.group[shown]
    all_shown = jnp.ones(items.shape[0], bool)
    adam, numbers = optax.adam(0.1), before.classifier
    state = adam.init(numbers)
    for _ in range(3):
        slope = jax.grad(group_loss)(numbers, jnp.asarray(items), group, all_shown)
        step, state = adam.update(slope, state)
        numbers = optax.apply_updates(numbers, step)
    np.testing.assert_allclose(after.classifier, np.asarray(numbers), atol=1e-3)


def test_in_time_the_network_tells_the_groups_of_the_table_that_was_sent():
    knowledge = knowledge_of(POPULARITY, 2, DIM, targets=TARGETS)
    attack = pip_attack(steps=50).make()
    state = attack.init(jax.random.key(1), knowledge)
    for number in range(10):
        view = view_of(items_of(3), np.ones(2, bool), number)
        _, state = attack.upload(state, view)
    logs = [logs_of(np.asarray(state.classifier), item) for item in items_of(3)]
    right = np.argmax(logs, axis=1) == np.asarray(state.group)
    assert right.mean() > 0.9


@pytest.mark.parametrize("weight", [0.0, 7.0])
def test_rows_are_the_derivative_of_being_liked_and_looking_popular(weight):
    knowledge = knowledge_of(POPULARITY, 2, DIM, targets=TARGETS)
    attack = pip_attack(weight, strength=2.0).make()
    before = attack.init(jax.random.key(1), knowledge)
    items = items_of(5)
    uploads, after = attack.upload(before, view_of(items, np.ones(2, bool)))
    user, learned = (np.asarray(one.user, np.float64) for one in (before, after))
    classifier = np.asarray(after.classifier)

    def loss(item: np.ndarray) -> float:
        popular = logs_of(classifier, item)[0]
        return np.log1p(np.exp(-user @ item)) - weight * popular

    small = 1e-6 * np.eye(DIM)
    for target in TARGETS:
        item = items[target].astype(np.float64)
        slope = [(loss(item + one) - loss(item - one)) / 2e-6 for one in small]
        row = uploads.tables[0].rows[target, 0]
        np.testing.assert_allclose(
            row, 2 * UNIT * np.array(slope), rtol=1e-3, atol=1e-4
        )
    liked = items[TARGETS].astype(np.float64)
    wanted = 1 / (1 + np.exp(liked @ user))
    expected = user + TASK.learning_rate * wanted @ liked
    np.testing.assert_allclose(learned, expected, rtol=1e-4, atol=1e-6)
