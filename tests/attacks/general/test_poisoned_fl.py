"""PoisonedFL: its rows, and how its factor follows from what has moved."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import LimitedAttack, poisoned_fl
from jaxfr.attacks.general.poisoned_fl import Push
from tests.attacks.known import TASK, knowledge_of, view_of
from tests.chances import assert_chances

NUM_ITEMS, DIM = 30, 4
ACTING = np.array([True, True, False])
KNOWLEDGE = knowledge_of([1] * NUM_ITEMS, 3, DIM)


def attack_made() -> LimitedAttack:
    attack = poisoned_fl(2.0).make()
    assert isinstance(attack, LimitedAttack)
    return attack


@functools.cache
def initial() -> Push:
    return attack_made().init(jax.random.key(0), KNOWLEDGE)


@jax.jit
def send(state: Push, items: jax.Array, number: jax.Array):
    uploads, after = attack_made().upload(state, view_of(items, ACTING, number))
    return uploads.tables[0].rows[:, 0], uploads.tables[0].weight[:, 0], after


def play(moves: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, Push]]:
    """Rounds whose table moves as told: of each the table, the rows and the state."""
    state, items, played = initial(), np.zeros((NUM_ITEMS, DIM)), []
    for number, move in enumerate(moves):
        sent, weight, state = send(state, jnp.float32(items), jnp.int32(number))
        np.testing.assert_array_equal(weight, 2)
        played.append((items, np.asarray(sent, np.float64), state))
        items = items + move
    return played


def test_signs_are_a_fair_coin_s_and_stay():
    sign = np.asarray(initial().sign)
    assert_chances(np.array([np.sum(sign < 0), np.sum(sign > 0)]), np.full(2, 0.5))
    for _, _, state in play(np.ones((3, NUM_ITEMS, DIM))):
        np.testing.assert_array_equal(state.sign, sign)


def test_rows_push_where_honest_clients_changed_something_as_far_as_can_be_told():
    moves = np.random.default_rng(0).normal(size=(5, NUM_ITEMS, DIM))
    sign, last = np.asarray(initial().sign), np.zeros((NUM_ITEMS, DIM))
    for number, (_, sent, _) in enumerate(play(moves)):
        if number == 0:
            assert not sent.any()
            continue
        change = -moves[number - 1] / float(TASK.learning_rate)
        length = np.linalg.norm(change)
        own = last * length / np.linalg.norm(last) if last.any() else 0
        honest = np.abs(change - own)
        expected = -2 * length * honest / np.linalg.norm(honest) * sign
        np.testing.assert_allclose(sent, expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(sent), 2 * length, rtol=1e-4)
        last = sent


def factors(moves: np.ndarray) -> list[float]:
    return [float(state.factor) for _, _, state in play(moves)]


def test_the_factor_shrinks_where_the_table_does_not_move_along_the_signs():
    sign = np.asarray(initial().sign)
    against = factors(np.tile(-0.1 * sign, (260, 1, 1)))
    expected, tests = 2.0, 0
    for number, found in enumerate(against):
        if number % 50 == 0 and number > 0 and 0.7 * expected >= 0.5:
            expected *= 0.7
            tests += 1
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert tests == 3  # of 5: then it would be less than a half
    assert factors(np.tile(0.1 * sign, (60, 1, 1))) == [2.0] * 60


def test_the_factor_needs_more_coordinates_along_than_a_fair_coin_has():
    # Of 120, a fair coin's 0.99 quantile is 60 + 2.326 sqrt(120) / 2 = 72.7.
    sign = np.asarray(initial().sign)
    for along, shrinks in ((72, True), (73, False)):
        towards = np.where(np.arange(120) < along, 1, -1).reshape(NUM_ITEMS, DIM)
        moved = np.tile(0.1 * sign * towards, (51, 1, 1))
        assert (factors(moved)[-1] < 2.0) == shrinks
