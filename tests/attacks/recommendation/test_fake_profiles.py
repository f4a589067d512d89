"""Fake profiles: how many items, which ones, their negatives, the embedding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.attacks import Knowledge
from jaxfr.attacks.recommendation.fake_profiles import (
    FakeProfile,
    draw_fake_profiles,
    draw_negatives_outside,
    profile_pairs,
)
from tests.attacks.known import TASK, knowledge_of
from tests.chances import assert_chances, assert_drawn_by_popularity

POPULARITY = np.array([8, 0, 4, 2, 1, 0])
NUM_ITEMS, DIM, MANY = POPULARITY.size, 3, 6000


def knowledge(activity: list[int], clients: int) -> Knowledge:
    return knowledge_of(POPULARITY, clients, DIM, activity)


def draw(activity: list[int], clients: int = MANY, seed: int = 0) -> FakeProfile:
    known = knowledge(activity, clients)
    profiles = draw_fake_profiles(jax.random.key(seed), known)
    return jax.tree.map(np.asarray, profiles)


def test_as_many_items_as_a_random_benign_user_has():
    sizes = draw([1, 2, 2, 4]).holds.sum(axis=1)
    found = np.bincount(sizes, minlength=5)
    assert found[0] == found[3] == 0
    assert_chances(found[[1, 2, 4]], np.array([0.25, 0.5, 0.25]))


def test_items_that_never_occur_are_not_held_even_where_others_run_out():
    holds = draw([5], clients=50).holds
    np.testing.assert_array_equal(holds, np.tile(POPULARITY > 0, (50, 1)))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_items_are_drawn_one_by_one_in_proportion_to_popularity(size):
    holds = np.asarray(draw([size], seed=size).holds)
    assert_drawn_by_popularity(holds, POPULARITY)


def test_negatives_are_uniform_outside_the_profile_and_independent():
    profiles = draw([2], seed=4)
    drawn = np.zeros((4, 4), int)
    for holds, negative in zip(profiles.holds, profiles.negative, strict=True):
        outside = np.flatnonzero(~holds).tolist()
        first, second = (outside.index(j) for j in negative[holds])
        drawn[first, second] += 1
    assert_chances(drawn.reshape(-1), np.full(16, 1 / 16))


@settings(max_examples=50)
@given(
    holds=st.lists(st.booleans(), min_size=8, max_size=8).filter(lambda h: not all(h)),
    seed=st.integers(0, 10**6),
)
def test_a_negative_is_never_in_the_profile(holds, seed):
    held = np.array(holds)
    negative = np.asarray(
        draw_negatives_outside(jax.random.key(seed), jnp.asarray(held))
    )
    assert not held[negative[held]].any()
    assert np.all((negative >= 0) & (negative < held.size))
    assert not negative[~held].any()


def test_the_embedding_is_drawn_by_the_model():
    def init_embeddings(key: jax.Array, rows: int, embedding_dim: int) -> jax.Array:
        del key
        return jnp.full((rows, embedding_dim), 7.0)

    model = TASK.model._replace(init_embeddings=init_embeddings)
    known = knowledge([2], 5)._replace(task=TASK._replace(model=model))
    found = draw_fake_profiles(jax.random.key(0), known)
    np.testing.assert_array_equal(found.embedding, np.full((5, DIM), 7.0))


def test_every_client_has_an_embedding_of_its_own():
    embedding = draw([2]).embedding
    size = embedding.size
    assert abs(embedding.mean()) < 4 * 0.01 / np.sqrt(size)
    assert abs(embedding.std() / 0.01 - 1) < 4 / np.sqrt(2 * size)
    assert np.unique(embedding[:, 0]).size > 0.99 * MANY


def test_the_pairs_are_those_of_the_items_held():
    holds = jnp.array([False, True, False, True])
    profile = FakeProfile(holds, jnp.array([0, 2, 0, 0]), jnp.zeros(DIM))
    positive, negative, present = map(np.asarray, profile_pairs(profile))
    pairs = list(zip(positive[present], negative[present], strict=True))
    assert pairs == [(1, 2), (3, 0)]
