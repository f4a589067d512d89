"""Targeted attacks: what they send the targets, in NumPy, and nobody else."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import a_hum, a_ra, eb, pieck_ipe, pieck_uea
from jaxfr.attacks.base import Attack
from jaxfr.attacks.targeted.pieck import opposition
from jaxfr.attacks.targeted.pull import averaged_loss, pull
from jaxfr.attacks.targeted.virtual_users import harden
from jaxfr.uploads import row_counts
from tests.attacks.known import TASK, knowledge_of, view_of

DIM, ITEMS, CLIENTS = 4, 9, 3
TARGETS = [2, 7]
# Benign clients have 1 and 2 positives, and as many negatives.
UNIT = 3 / len(TARGETS)
ACTING = np.array([True, False, True])
TARGETED = {
    "eb": eb(),
    "a_ra": a_ra(virtual_users=20),
    "a_hum": a_hum(virtual_users=20),
    "pieck_ipe": pieck_ipe(mined_items=3),
    "pieck_uea": pieck_uea(mined_items=3),
}
every_targeted = pytest.mark.parametrize("name", TARGETED)


def tables(rounds: int) -> list[np.ndarray]:
    """Of each round; most items go one way, items 3, 4, 5 and a target the other."""
    random = np.random.default_rng(0)
    speed = np.array([5.0, 6.0, -9.0, -1.0, -2.0, -1.5, 7.0, 5.0, 6.0])
    way = random.normal(size=DIM)
    found = [random.normal(size=(ITEMS, DIM))]
    for _ in range(rounds - 1):
        aside = 0.3 * random.normal(size=(ITEMS, DIM))
        found.append(found[-1] + speed[:, None] * way + aside)
    return [one.astype(np.float32) for one in found]


def sent(attack: Attack, seen: list[np.ndarray], targets: list[int] = TARGETS) -> Any:
    """The uploads of the last round, by an attack that has seen the others."""
    knowledge = knowledge_of(range(ITEMS), CLIENTS, DIM, targets=targets)
    state = attack.init(jax.random.key(1), knowledge)
    uploads: Any = None
    for number, table in enumerate(seen):
        view = view_of(table, ACTING, number)
        uploads, state = attack.upload(state, view)  # type: ignore[call-arg]
    return uploads, state


def rows_of_targets(attack: Attack, seen: list[np.ndarray]) -> np.ndarray:
    uploads, _ = sent(attack, seen)
    return np.asarray(uploads.tables[0].rows[jnp.array(TARGETS), 0])


def sigmoid(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-score.astype(np.float64)))


def pulled(users: np.ndarray, item: np.ndarray) -> np.ndarray:
    return -np.mean(sigmoid(-users @ item)[:, None] * users, axis=0)


@every_targeted
def test_targets_get_a_row_of_each_acting_client_and_no_other_item_any(name):
    uploads, _ = sent(TARGETED[name].make(), tables(4))
    counts = np.zeros(ITEMS, int)
    counts[TARGETS] = 2
    np.testing.assert_array_equal(row_counts(uploads), counts)
    assert uploads.participants == 2


@every_targeted
def test_rows_are_in_proportion_to_their_strength(name):
    seen = tables(4)
    once = rows_of_targets(TARGETED[name].replace(strength=1.0).make(), seen)
    thrice = rows_of_targets(TARGETED[name].replace(strength=3.0).make(), seen)
    np.testing.assert_allclose(thrice, 3 * once, rtol=1e-5)


@every_targeted
def test_without_targets_nothing_is_sent(name):
    uploads, _ = sent(TARGETED[name].make(), tables(4), targets=[])
    assert not row_counts(uploads).any()


@every_targeted
def test_the_record_knows_that_all_clients_poison_the_targets(name):
    attack, knowledge = TARGETED[name].make(), knowledge_of(range(ITEMS), CLIENTS, DIM)
    found = attack.poisoned_items(None, knowledge._replace(targets=jnp.array(TARGETS)))
    assert found.shape == (CLIENTS, ITEMS)
    assert (found.sum(axis=0)[jnp.array(TARGETS)] == CLIENTS).all()
    assert found.sum() == CLIENTS * len(TARGETS)


def test_users_pull_an_item_by_the_derivative_of_their_loss():
    random = np.random.default_rng(2)
    users, item = random.normal(size=(5, DIM)), random.normal(size=DIM)
    found = pull(jnp.asarray(users, jnp.float32), jnp.asarray(item, jnp.float32))
    np.testing.assert_allclose(found, pulled(users, item), rtol=1e-5)

    def loss(item: jax.Array) -> jax.Array:
        return -jnp.mean(jax.nn.log_sigmoid(jnp.float32(users) @ item))

    np.testing.assert_allclose(jax.grad(loss)(jnp.float32(item)), found, rtol=1e-4)


def test_ebs_user_learns_to_like_the_targets():
    attack, seen = TARGETED["eb"].make(), tables(3)
    knowledge = knowledge_of(range(ITEMS), CLIENTS, DIM, targets=TARGETS)
    user = np.asarray(attack.init(jax.random.key(1), knowledge).user, np.float64)
    expected: list[np.ndarray] = []
    for table in seen:
        items = table[TARGETS].astype(np.float64)
        expected = [UNIT * pulled(user[None], item) for item in items]
        user = user + TASK.learning_rate * sigmoid(-items @ user) @ items
    np.testing.assert_allclose(rows_of_targets(attack, seen), expected, rtol=1e-4)


def test_hard_users_went_away_from_the_item_step_by_step():
    random = np.random.default_rng(3)
    users, item = random.normal(size=(5, DIM)), random.normal(size=DIM)
    expected = users
    for _ in range(4):
        expected = expected - 0.5 * sigmoid(expected @ item)[:, None] * item
    found = harden(jnp.float32(users), jnp.float32(item), 4, jnp.float32(0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_random_users_are_as_long_as_items_are_and_drawn_anew():
    seen = tables(1) * 2
    attack = a_ra(virtual_users=10_000).make()
    first, second = rows_of_targets(attack, seen[:1]), rows_of_targets(attack, seen)
    assert not np.allclose(first, second)
    # For a target at 0 the mean pull is half of the mean user: that of many is small.
    scale = np.sqrt(np.mean(seen[0] ** 2))
    small = [0.01 * seen[0][t] for t in TARGETS]
    table = seen[0].copy()
    table[TARGETS] = small
    found = rows_of_targets(attack, [table])
    # E[(1 - sigma(p . v)) p] = -v s^2 / 4 for small v.
    root = np.sqrt(np.mean(table**2))
    assert root < scale
    expected = UNIT * np.array(small) * root**2 / 4
    np.testing.assert_allclose(found, expected, atol=0.04)


@pytest.mark.parametrize("name", ["pieck_ipe", "pieck_uea"])
def test_pieck_watches_two_changes_and_sends_zeros_before(name):
    seen, attack = tables(4), TARGETED[name].make()
    for rounds, sends in ((1, False), (2, False), (3, True)):
        assert rows_of_targets(attack, seen[:rounds]).any() == sends


def test_popular_items_are_those_that_went_against_the_mean_while_it_mined():
    seen = tables(5)
    changes = (seen[2] - seen[0]).astype(np.float64)
    against = -changes @ changes.mean(axis=0)
    np.testing.assert_allclose(opposition(jnp.float32(changes)), against, rtol=1e-4)
    against[TARGETS] = -np.inf
    assert sorted(np.argsort(-against)[:3]) == [3, 4, 5]
    # What moves later is not looked at.
    seen[-1][:] = seen[-2] + 100 * seen[-2][::-1]
    _, state = sent(TARGETED["pieck_uea"].make(), seen)
    assert sorted(np.asarray(state.popular)) == [3, 4, 5]


def test_rows_are_as_long_as_where_every_loss_is_a_mean_over_labels():
    knowledge = knowledge_of(range(ITEMS), CLIENTS, DIM, [5, 6, 10], targets=TARGETS)
    # 14 labels of a client on average, and two targets.
    assert averaged_loss(knowledge) == 7


def test_pieck_uea_takes_popular_items_for_users():
    seen = tables(4)
    found = rows_of_targets(TARGETED["pieck_uea"].make(), seen)
    popular = seen[-1][[3, 4, 5]]
    expected = [UNIT * pulled(popular, seen[-1][target]) for target in TARGETS]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_pieck_ipe_turns_targets_towards_popular_items():
    seen = tables(4)
    found = rows_of_targets(TARGETED["pieck_ipe"].make(), seen)
    popular = seen[-1][[3, 4, 5]].astype(np.float64)
    for row, target in zip(found, seen[-1][TARGETS].astype(np.float64), strict=True):
        length = np.linalg.norm(target)
        unit = popular / np.linalg.norm(popular, axis=1, keepdims=True)
        along = unit @ target / length
        expected = -np.mean(unit / length - along[:, None] * target / length**2, axis=0)
        expected *= 0.08 * UNIT / TASK.learning_rate
        np.testing.assert_allclose(row, expected, rtol=1e-3, atol=1e-5)
    # A target at 0 points nowhere, and its row is finite all the same.
    table = seen[-1].copy()
    table[TARGETS] = 0
    assert np.isfinite(
        rows_of_targets(TARGETED["pieck_ipe"].make(), [*seen, table])
    ).all()
