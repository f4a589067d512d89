"""PSMU: profiles, alternatives and rows, in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import psmu
from jaxfr.attacks.recommendation.fake_profiles import FakeProfile
from jaxfr.attacks.targeted.psmu import (
    beating_slopes,
    draw_profile,
    find_alternatives,
    learn_profile,
)
from jaxfr.models import fedmf
from tests.attacks.known import knowledge_of, view_of

DIM, ITEMS, CLIENTS = 3, 15, 3
TARGETS = [2, 7]
MODEL = fedmf(DIM).make()
BARRED = np.isin(np.arange(ITEMS), TARGETS)


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def sigmoid(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(score, np.float64)))


@pytest.mark.parametrize(("count", "held"), [(4, 4), (13, 13), (100, 13)])
def test_a_profile_is_of_random_items_that_are_no_targets(count, held):
    items, barred = jnp.asarray(drawn(0, ITEMS, DIM)), jnp.asarray(BARRED)
    profiles = [
        draw_profile(jax.random.key(seed), barred, count, MODEL, items)
        for seed in range(20)
    ]
    for profile in profiles:
        holds = np.asarray(profile.holds)
        assert holds.sum() == held
        assert not holds[TARGETS].any()
        assert not holds[np.asarray(profile.negative)[holds]].any()
    often = np.mean([profile.holds for profile in profiles], axis=0)
    assert (often[~BARRED] > 0).all()


def test_a_user_learns_from_bpr_on_its_profile():
    items, user = drawn(1, ITEMS, DIM), drawn(2, DIM)
    held, against = [0, 4, 5], [1, 1, 9]
    negative = np.zeros(ITEMS, np.int32)
    negative[held] = against
    holds = np.isin(np.arange(ITEMS), held)
    expected = user.astype(np.float64)
    for _ in range(3):
        ahead = (items[held] - items[against]).astype(np.float64)
        expected = expected + 0.2 * sigmoid(-ahead @ expected) @ ahead
    profile = FakeProfile(*map(jnp.asarray, (holds, negative, user)))
    found = learn_profile(profile, jnp.asarray(items), MODEL, 3, jnp.float32(0.2))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def alternatives_of(scores: np.ndarray, likeness: np.ndarray, holds: np.ndarray) -> set:
    def by(value: np.ndarray) -> list[int]:
        return np.argsort(-value).tolist()

    listed = [j for j in by(scores) if j not in TARGETS and not holds[j]][:3]
    alike = [j for j in by(likeness) if j not in TARGETS and j not in listed][:2]
    return {*listed, *alike}


def test_alternatives_are_what_a_user_is_shown_and_what_is_like_the_target():
    for seed in range(10):
        scores, likeness = drawn(seed, ITEMS), drawn(seed + 100, ITEMS)
        holds = np.isin(np.arange(ITEMS), [0, 4, 5])
        floats = jnp.asarray(scores), jnp.asarray(likeness)
        bools = jnp.asarray(holds), jnp.asarray(BARRED)
        found = np.flatnonzero(find_alternatives(*floats, *bools, 3, 2))
        assert set(found.tolist()) == alternatives_of(scores, likeness, holds)


def test_slopes_are_those_of_the_sum_over_targets_and_alternatives():
    scores = drawn(5, ITEMS)
    alternatives = np.zeros((2, ITEMS), bool)
    alternatives[0, [1, 3]] = alternatives[1, [3, 8, 9]] = True
    expected = np.zeros(ITEMS)
    for target, chosen in zip(TARGETS, alternatives, strict=True):
        for item in np.flatnonzero(chosen):
            beaten = sigmoid(scores[item] - scores[target])
            expected[item] += beaten * (1 - beaten)
            expected[target] -= beaten * (1 - beaten)
    given = map(jnp.asarray, (scores, np.array(TARGETS), alternatives))
    np.testing.assert_allclose(beating_slopes(*given), expected, rtol=1e-4, atol=1e-6)


def test_each_client_sends_targets_and_alternatives_anew_and_in_its_own_direction():
    attack = psmu(profile_items=4, recommended=3, similar=2).make()
    knowledge = knowledge_of(range(ITEMS), CLIENTS, DIM, targets=TARGETS)
    state, acting = attack.init(jax.random.key(1), knowledge), np.array([1, 0, 1], bool)
    found = []
    for number in (0, 1):
        view = view_of(drawn(6, ITEMS, DIM), acting, number)
        uploads, state = attack.upload(state, view)
        (table,) = uploads.tables
        weight, rows = np.asarray(table.weight), np.asarray(table.rows)
        assert weight[TARGETS].tolist() == [[1, 0, 1]] * 2
        assert ((weight.sum(axis=0) >= 3 + 2) == acting).all()
        assert (weight.sum(axis=0) <= 3 + 2 * 2 + 2).all()
        for client in np.flatnonzero(acting):
            # All rows are multiples of one user's embedding.
            assert np.linalg.matrix_rank(rows[:, client], tol=1e-5) == 1
            np.testing.assert_allclose(rows[:, client].sum(axis=0), 0, atol=1e-5)
        found.append(rows)
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[0][:, 0], found[0][:, 2])


def test_rows_are_slopes_times_the_user_as_long_as_labels_say():
    attack = psmu(4, 3, 0.2, 3, 2, strength=2.0).make()
    knowledge = knowledge_of(range(ITEMS), 1, DIM, [5, 6, 10], targets=TARGETS)
    state, items = attack.init(jax.random.key(1), knowledge), drawn(7, ITEMS, DIM)
    uploads, _ = attack.upload(state, view_of(items, np.ones(1, bool), 3))
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), 3), 0)
    profile = draw_profile(key, jnp.asarray(BARRED), 4, MODEL, jnp.asarray(items))
    user = learn_profile(profile, jnp.asarray(items), MODEL, 3, jnp.float32(0.2))
    user = np.asarray(user, np.float64)
    scores, slope, holds = items @ user, np.zeros(ITEMS), np.asarray(profile.holds)
    for target in TARGETS:
        chosen = alternatives_of(scores, items @ items[target], holds)
        for item in chosen:
            beaten = sigmoid(scores[item] - scores[target])
            slope[item] += beaten * (1 - beaten)
            slope[target] -= beaten * (1 - beaten)
    # A client has 7 positives and as many negatives.
    rows = np.asarray(uploads.tables[0].rows[:, 0])
    np.testing.assert_allclose(rows, 2 * 14 * slope[:, None] * user, rtol=1e-3)


def test_without_targets_nothing_is_sent():
    attack = psmu().make()
    knowledge = knowledge_of(range(ITEMS), CLIENTS, DIM, targets=[])
    state = attack.init(jax.random.key(1), knowledge)
    view = view_of(drawn(6, ITEMS, DIM), np.ones(CLIENTS, bool))
    uploads, _ = attack.upload(state, view)
    assert not np.asarray(uploads.tables[0].weight).any()
