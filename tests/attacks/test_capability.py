"""Which items a malicious client may poison."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks.spattack import all_items, poisoning_clients, popular_items
from tests.attacks.known import knowledge_of

POPULARITY = np.array([8, 0, 4, 2, 1, 0])
MANY = 6000


@jax.jit
def draw_many(key: jax.Array, max_poisoned_items: jax.Array) -> jax.Array:
    known = knowledge_of(POPULARITY, MANY)
    return popular_items(max_poisoned_items)(key, known)


def successive_sampling(weights: np.ndarray, count: int) -> dict[frozenset[int], float]:
    """Exact chance of every set that is drawn one by one in proportion to weight."""
    chances: dict[frozenset[int], float] = {}
    for order in itertools.permutations(np.flatnonzero(weights).tolist(), count):
        chance, left = 1.0, float(weights.sum())
        for item in order:
            chance *= weights[item] / left
            left -= weights[item]
        chances[frozenset(order)] = chances.get(frozenset(order), 0.0) + chance
    return chances


@pytest.mark.parametrize("count", [1, 2, 3])
def test_popular_items_are_drawn_one_by_one_in_proportion_to_popularity(count):
    chosen = np.asarray(draw_many(jax.random.key(count), jnp.int32(count)))
    exact = successive_sampling(POPULARITY, count)
    assert sum(exact.values()) == pytest.approx(1)
    found = dict.fromkeys(exact, 0)
    for row in chosen:
        found[frozenset(np.flatnonzero(row).tolist())] += 1
    chi_square = sum(
        (found[chosen_set] - MANY * chance) ** 2 / (MANY * chance)
        for chosen_set, chance in exact.items()
    )
    freedom = len(exact) - 1
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (3, 3), (4, 4), (5, 4)])
def test_each_client_poisons_as_many_popular_items_as_it_may(wanted, expected):
    chosen = np.asarray(draw_many(jax.random.key(0), jnp.int32(wanted)))
    assert np.all(chosen.sum(axis=1) == expected)
    assert not chosen[:, POPULARITY == 0].any()


@pytest.mark.parametrize("most_uploaded", [1, 3])
def test_without_a_number_it_is_the_most_that_a_benign_client_uploads(most_uploaded):
    known = knowledge_of(POPULARITY, 20, most_uploaded=most_uploaded)
    asked, unasked = (
        popular_items(number)(jax.random.key(2), known) for number in (most_uploaded, 0)
    )
    np.testing.assert_array_equal(unasked, asked)


def test_clients_draw_independently_of_each_other():
    chosen = np.asarray(draw_many(jax.random.key(4), jnp.int32(2)))[:, 2]
    share = chosen.mean()
    both = np.mean(chosen[::2] & chosen[1::2])
    deviation = np.sqrt(share**2 * (1 - share**2) / (MANY / 2))
    assert abs(both - share**2) < 4 * deviation


def test_more_room_for_clients_changes_nothing_for_those_already_there():
    few, more = (
        popular_items(2)(jax.random.key(1), knowledge_of(POPULARITY, clients))
        for clients in (2, 5)
    )
    np.testing.assert_array_equal(few, more[:2])


def test_without_malicious_clients_nobody_chooses():
    chosen = popular_items(2)(jax.random.key(1), knowledge_of(POPULARITY, 0))
    assert chosen.shape == (0, POPULARITY.size)
    assert np.all(poisoning_clients(chosen, jnp.zeros(0, bool)) == 0)


@pytest.mark.parametrize("acting", [[], [True], [True, False, True]])
def test_all_items_are_poisoned_by_everyone_who_acts(acting):
    chosen = all_items(jax.random.key(0), knowledge_of(POPULARITY, len(acting)))
    found = poisoning_clients(chosen, jnp.array(acting, bool))
    np.testing.assert_array_equal(found, np.full(POPULARITY.size, sum(acting)))


def test_only_clients_that_act_poison():
    chosen = jnp.array([[True, True, False], [False, True, False], [True, True, True]])
    found = poisoning_clients(chosen, jnp.array([True, True, False]))
    np.testing.assert_array_equal(found, [1, 2, 0])
