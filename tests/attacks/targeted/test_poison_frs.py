"""PoisonFRS: nothing at first, then a fixed aim, in NumPy."""

from typing import Any

import jax
import numpy as np

from jaxfr.attacks import poison_frs
from jaxfr.uploads import row_counts
from tests.attacks.known import TASK, knowledge_of, view_of

DIM, ITEMS = 3, 12
TARGETS = [2, 7]
ACTING = np.array([True, False, True])
OPTIONS = {"scale": 4.0, "popular_items": 3, "start_round": 2, "rows": 5}


def tables(rounds: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    found = random.normal(size=(rounds, ITEMS, DIM)) + np.array([1.0, 0.0, 0.0])
    return list(found.astype(np.float32))


def uploaded(rounds: int, **options: Any) -> list[Any]:
    attack = poison_frs(**{**OPTIONS, **options}).make()
    knowledge = knowledge_of(range(ITEMS), ACTING.size, DIM, targets=TARGETS)
    state, found = attack.init(jax.random.key(0), knowledge), []
    for number, table in enumerate(tables(rounds)):
        uploads, state = attack.upload(state, view_of(table, ACTING, number))
        found.append(uploads)
    return found


def aim() -> np.ndarray:
    """The table that they want, which they decide on in round 2."""
    wanted = tables(3)[2].astype(np.float64)
    products = wanted @ wanted.mean(axis=0)
    wanted[TARGETS] = 4.0 * wanted[np.argsort(products)[:3]].mean(axis=0)
    return wanted


def test_nothing_is_sent_before_the_start_and_the_targets_in_its_round():
    first, second, third = (np.asarray(row_counts(one)) for one in uploaded(3))
    assert not first.any()
    assert not second.any()
    # Other items have not left the table that is wanted yet.
    assert np.flatnonzero(third).tolist() == TARGETS
    assert (third[TARGETS] == 2).all()


def test_from_then_on_targets_and_the_farthest_items_are_pulled_to_the_aim():
    uploads, table = uploaded(5)[-1], tables(5)[-1].astype(np.float64)
    apart = table - aim()
    distance = np.linalg.norm(apart, axis=1)
    distance[TARGETS] = 0
    expected = {*TARGETS, *np.argsort(-distance)[:3].tolist()}
    sent = np.flatnonzero(row_counts(uploads))
    assert set(sent.tolist()) == expected
    rows = np.asarray(uploads.tables[0].rows[:, 0])[sent]
    np.testing.assert_allclose(rows, apart[sent] / TASK.learning_rate, rtol=1e-4)


def test_strength_multiplies_the_rows_of_targets_alone():
    once, thrice = uploaded(5)[-1], uploaded(5, strength=3.0)[-1]
    factor = np.ones((ITEMS, 1))
    factor[TARGETS] = 3
    rows = [np.asarray(one.tables[0].rows[:, 0]) for one in (once, thrice)]
    np.testing.assert_allclose(rows[1], factor * rows[0], rtol=1e-4, atol=1e-4)


def test_a_server_that_averages_their_rows_alone_arrives_in_one_round():
    uploads, table = uploaded(4)[-1], tables(4)[-1]
    after = table - TASK.learning_rate * np.asarray(uploads.tables[0].rows[:, 0])
    np.testing.assert_allclose(after[TARGETS], aim()[TARGETS], rtol=1e-3, atol=1e-4)
