"""Uploads that look honest to sign_guard, and to each other's likeness."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.aggregators import ServerKnowledge, ServerView, sign_guard
from jaxfr.attacks import decorrelated, sign_guard_aware
from jaxfr.attacks.adaptive.decorrelated import cosine_at, with_noise
from jaxfr.attacks.adaptive.sign_guard_aware import SMALL, with_signs
from jaxfr.uploads import append_tables
from tests.attacks.adaptive.population import (
    BENIGN,
    DIM,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    SOME,
    Population,
    population,
    send,
)


def of_clients(seen: Population) -> list[np.ndarray]:
    """The numbers that each benign client uploaded."""
    return [seen.rows[seen.sent[:, one], one] for one in range(BENIGN)]


def signed(rows: np.ndarray, positive: float) -> np.ndarray:
    """Number by number, the largest first."""
    found, numbers = rows.copy(), np.sort(rows.ravel())[::-1]
    small = SMALL * np.abs(rows).mean()
    last = int(np.round(positive * numbers.size))
    for place in np.ndindex(rows.shape):
        above = np.flatnonzero(numbers == rows[place])[0] < last
        found[place] = max(rows[place], small) if above else min(rows[place], -small)
    return found


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
@pytest.mark.parametrize("strength", [1.0, 2.5])
def test_inverted_rows_take_on_the_signs_and_the_norm_of_the_median_client(
    seed, acting, strength
):
    seen = population(seed)
    sent = send(sign_guard_aware(strength), seen, acting)
    received = np.asarray(seen.sent.any(axis=1))
    np.testing.assert_array_equal(sent.sends[:, 0], received[:, None] & acting)
    both = seen.sent.sum(axis=1)[received] + acting.sum()
    rows = -seen.sums[received] / both[:, None]
    positive = float(np.median([np.mean(each > 0) for each in of_clients(seen)]))
    norm = np.median([np.linalg.norm(each) for each in of_clients(seen)])
    rows = signed(rows, positive)
    rows *= strength * norm / np.linalg.norm(rows)
    np.testing.assert_allclose(sent.rows[received, 0], rows, rtol=1e-3, atol=1e-5)


@given(st.integers(0, 2**31), st.floats(0, 1))
def test_the_share_of_positive_numbers_is_what_was_asked_for(seed, positive):
    rows = np.random.default_rng(seed).normal(size=(6, 3)).astype(np.float32)
    sent = np.array([True, True, False, True, True, False])
    share = jnp.float32(positive)
    found = np.asarray(with_signs(jnp.asarray(rows), jnp.asarray(sent), share))
    numbers = found[sent]
    assert np.sum(numbers > 0) == np.round(np.float32(positive) * numbers.size)
    assert (numbers != 0).all()


def test_sign_guard_trusts_those_who_know_it():
    seen = population(0, without=())
    sent = send(sign_guard_aware(), seen).uploads
    (table,) = sent.tables
    ids = BENIGN + jnp.arange(MALICIOUS)
    named = sent._replace(tables=(table._replace(client=ids),))
    stages = sign_guard().make()
    last = jnp.zeros_like(seen.uploads.item_embeddings)
    view = ServerView(jnp.int32(0), jnp.int32(0), last, BENIGN + MALICIOUS)
    state = stages.init(ServerKnowledge(view.num_clients, NUM_ITEMS, DIM))
    left, _ = stages.update(state, append_tables(seen.uploads, named), view)
    np.testing.assert_array_equal(np.asarray(left.client_trust)[ids], 1)


# --- decorrelated ---


def cosines(seen: Population) -> np.ndarray:
    """Of each benign client with those that come 1, 2, 4, ... after it, ascending."""
    sent = (seen.rows * seen.sent[..., None]).swapaxes(0, 1).reshape(BENIGN, -1)
    units = sent / np.linalg.norm(sent, axis=1, keepdims=True)
    pairs = [units @ units[one] for one in range(BENIGN)]
    apart = [1, 2, 4, 8]
    return np.sort([pairs[one][(one + away) % 9] for one in range(9) for away in apart])


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
@pytest.mark.parametrize("quantile", [0.5, 0.9, 1.0])
def test_each_copy_has_noise_of_its_own_as_long_as_honest_clients_differ(
    seed, acting, quantile
):
    seen = population(seed)
    sent = send(decorrelated(quantile), seen, acting)
    received, number = np.asarray(seen.sent.any(axis=1)), acting.sum()
    expected = received[:, None, None] & np.eye(MALICIOUS, dtype=bool) & acting
    np.testing.assert_array_equal(sent.sends, expected)
    pairs = cosines(seen)
    cosine = max(pairs[int(np.round(quantile * (pairs.size - 1)))], 0.01)
    opposite = -seen.sums[received] / number
    noise = sent.rows[received][:, acting] - opposite[:, None]
    length = np.sqrt(1 / cosine - 1) * np.linalg.norm(opposite, axis=1)
    np.testing.assert_allclose(
        np.linalg.norm(noise, axis=2), np.tile(length[:, None], number), rtol=1e-3
    )
    units = noise / np.linalg.norm(noise, axis=2, keepdims=True)
    alike = np.einsum("jid,jkd->ikj", units, units)[~np.eye(int(number), dtype=bool)]
    assert (np.abs(alike) < 0.999).mean() > 0.9  # different directions


def test_noise_keeps_its_direction_from_round_to_round():
    seen = population(0)
    first, later = (send(decorrelated(), seen, number=one) for one in (0, 5))
    np.testing.assert_allclose(first.rows, later.rows, rtol=1e-5)


def test_over_many_items_the_cosine_of_two_copies_is_what_was_wanted():
    items, cosine = 4000, 0.3
    key_rows, *keys = jax.random.split(jax.random.key(0), 3)
    rows = jax.random.normal(key_rows, (items, DIM))
    noise = np.sqrt(1 / cosine - 1) * jnp.linalg.norm(rows, axis=1)
    one, other = (
        jax.vmap(with_noise)(jax.random.split(key, items), rows, noise).reshape(-1)
        for key in keys
    )
    found = one @ other / jnp.linalg.norm(one) / jnp.linalg.norm(other)
    np.testing.assert_allclose(found, cosine, atol=0.05)


def test_nobody_to_compare_is_all_alike():
    compiled = jax.jit(cosine_at)
    half = jnp.float32(0.5)
    assert compiled(half, jnp.zeros((4, 3))) == 1
    assert compiled(half, jnp.ones((1, 3))) == 1
    vectors = jnp.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    assert compiled(jnp.float32(0), vectors) == 0
    assert compiled(jnp.float32(1), vectors) == 1
