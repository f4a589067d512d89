"""What the four Spattacks upload, against the definition in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import clip_by_norm
from jaxfr.attacks import ATTACKS, spattack_l_d
from jaxfr.attacks.base import malicious_uploads
from jaxfr.attacks.recommendation.spattack import (
    SpattackState,
    poisoning_clients,
    popular_items,
)
from jaxfr.uploads import Uploads, item_table, with_sums
from tests.attacks.known import knowledge_of, view_of
from tests.attacks.scopes import no_server
from tests.chances import assert_drawn_by_popularity

NUM_ITEMS, DIM, CLIENTS, PER_ITEM = 7, 3, 4, 5
OMNISCIENT, LIMITED = ["spattack_o_d", "spattack_o_s"], ["spattack_l_d", "spattack_l_s"]
EVERYONE = np.ones(CLIENTS, bool)
SOME = np.array([True, False, True, False])

KNOWLEDGE = knowledge_of([9, 7, 5, 3, 2, 1, 0], CLIENTS, DIM, most_uploaded=3)
ITEMS = np.random.default_rng(0).normal(size=(NUM_ITEMS, DIM)).astype(np.float32)


@functools.cache
def initial(name: str, seed: int = 0, **options: float) -> SpattackState:
    attack = ATTACKS[name](**options).make()
    return attack.init(jax.random.key(seed), KNOWLEDGE)


@functools.partial(jax.jit, static_argnames="name")
def send(
    name: str,
    state: SpattackState,
    acting: jax.Array | np.ndarray,
    benign: Uploads,
    number: jax.Array | int = 0,
):
    view = view_of(ITEMS, acting, number)
    return malicious_uploads(ATTACKS[name]().make(), state, view, benign, no_server)


def benign_uploads(seed: int) -> tuple[Uploads, np.ndarray]:
    """Benign rows, some weighted and the last item without any, and their sums."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(NUM_ITEMS, PER_ITEM, DIM)).astype(np.float32)
    weight = random.integers(0, 3, (NUM_ITEMS, PER_ITEM))
    weight[-1] = 0
    uploads = item_table(
        jnp.asarray(rows), jnp.asarray(weight), jnp.asarray(ITEMS), jnp.int32(9)
    )
    return uploads, np.sum(weight[..., None] * rows.astype(np.float64), axis=1)


def as_they_are(benign: Uploads) -> Uploads:
    return benign


def scattered(benign: Uploads) -> Uploads:
    """The rows of the table one by one, the items' embeddings taken zero times."""
    (table,) = benign.tables
    return benign._replace(
        item=jnp.repeat(jnp.arange(NUM_ITEMS), PER_ITEM),
        weight=table.weight.reshape(-1),
        vector=jnp.arange(NUM_ITEMS * PER_ITEM),
        scale=jnp.ones(NUM_ITEMS * PER_ITEM),
        item_scale=jnp.zeros(()),
        vectors=table.rows.reshape(-1, DIM),
        tables=(),
    )


def scattered_and_summed(benign: Uploads) -> Uploads:
    return with_sums(scattered(benign))


every_form = pytest.mark.parametrize(
    "form", [as_they_are, scattered, scattered_and_summed]
)


def rows_and_weights(uploads: Uploads) -> tuple[np.ndarray, np.ndarray]:
    """The one row of every item and how many clients send it."""
    assert uploads.item.size == 0
    (table,) = uploads.tables
    assert table.rows.shape == (NUM_ITEMS, 1, DIM)
    assert table.weight.shape == (NUM_ITEMS, 1)
    return np.asarray(table.rows)[:, 0], np.asarray(table.weight)[:, 0]


def senders(name: str, acting: np.ndarray) -> np.ndarray:
    poisoned = ATTACKS[name]().make().poisoned_items(initial(name), KNOWLEDGE)
    assert poisoned.shape == (CLIENTS, NUM_ITEMS)
    return np.sum(np.asarray(poisoned) & acting[:, None], axis=0)


@pytest.mark.parametrize("acting", [EVERYONE, SOME])
@pytest.mark.parametrize("name", [*OMNISCIENT, *LIMITED])
def test_the_weight_of_a_row_is_the_number_of_clients_that_poison_the_item(
    name, acting
):
    uploads, _ = send(name, initial(name), acting, benign_uploads(0)[0])
    _, weight = rows_and_weights(uploads)
    np.testing.assert_array_equal(weight, senders(name, acting))
    assert uploads.participants == acting.sum()


# --- which items ---

POPULARITY = np.array([8, 0, 4, 2, 1, 0])


@jax.jit
def chosen_by_many(key: jax.Array, max_poisoned_items: jax.Array) -> jax.Array:
    return popular_items(max_poisoned_items)(key, knowledge_of(POPULARITY, 6000))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_popular_items_are_drawn_one_by_one_in_proportion_to_popularity(count):
    chosen = np.asarray(chosen_by_many(jax.random.key(count), jnp.int32(count)))
    assert_drawn_by_popularity(chosen, POPULARITY)


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (4, 4), (5, 4)])
def test_each_client_poisons_as_many_popular_items_as_it_may(wanted, expected):
    chosen = np.asarray(chosen_by_many(jax.random.key(0), jnp.int32(wanted)))
    assert np.all(chosen.sum(axis=1) == expected)
    assert not chosen[:, POPULARITY == 0].any()


@pytest.mark.parametrize("name", ["spattack_o_s", "spattack_l_s"])
def test_s_poisons_the_wanted_number_or_the_most_that_a_benign_client_uploads(name):
    for wanted, expected in ((2, 2), (0, 3)):
        chosen = initial(name, max_poisoned_items=wanted).chosen
        assert np.all(np.sum(chosen, axis=1) == expected)


def test_only_clients_that_act_poison():
    chosen = jnp.array([[True, True, False], [False, True, False], [True, True, True]])
    found = poisoning_clients(chosen, jnp.array([True, True, False]))
    np.testing.assert_array_equal(found, [1, 2, 0])


# --- O ---


@every_form
@pytest.mark.parametrize("name", OMNISCIENT)
def test_o_uploads_the_opposite_of_the_benign_sum_in_equal_parts(name, form):
    benign, sums = benign_uploads(1)
    benign = form(benign)
    rows, weight = rows_and_weights(send(name, initial(name), SOME, benign)[0])
    poisoned = weight > 0
    assert poisoned.any()
    expected = -sums[poisoned] / weight[poisoned, None]
    np.testing.assert_allclose(rows[poisoned], expected, rtol=1e-5, atol=1e-6)


@every_form
def test_o_sums_the_rows_as_the_server_clipped_them(form):
    benign, sums = benign_uploads(2)
    clipped = clip_by_norm(0.5).make().on_arrival(form(benign))
    (table,) = benign.tables
    row, weight = np.asarray(table.rows, np.float64), np.asarray(table.weight)
    norm = np.linalg.norm(row, axis=2, keepdims=True)
    kept = weight[..., None] * row * np.minimum(1, 0.5 / norm)
    expected = kept.sum(axis=1)
    name = "spattack_o_d"
    rows, _ = rows_and_weights(send(name, initial(name), EVERYONE, clipped)[0])
    np.testing.assert_allclose(rows, -expected / CLIENTS, rtol=1e-5, atol=1e-6)
    assert np.abs(expected - sums).max() > 0.5


# --- L ---


@pytest.mark.parametrize("name", LIMITED)
def test_l_uploads_one_noise_matrix_in_all_rounds(name):
    state = initial(name)
    noise = ATTACKS[name]().make().uploaded_noise(state)
    assert noise is not None
    for number in range(3):
        benign = benign_uploads(number)[0]
        uploads, state = send(name, state, EVERYONE, benign, number)
        np.testing.assert_array_equal(rows_and_weights(uploads)[0], noise)


@pytest.mark.parametrize("name", LIMITED)
def test_sigma_scales_the_noise_and_the_seed_draws_it(name):
    one, three, other = (
        np.asarray(initial(name, seed, noise_scale=scale).noise)
        for scale, seed in ((1.0, 0), (3.0, 0), (1.0, 1))
    )
    np.testing.assert_allclose(three, 3 * one, rtol=1e-6)
    assert np.all(one != other)


def test_the_noise_is_standard_normal():
    known = KNOWLEDGE._replace(
        item_popularity=jnp.ones(2000, jnp.int32), embedding_dim=16
    )
    state = spattack_l_d().make().init(jax.random.key(0), known)
    noise = np.asarray(state.noise)
    assert noise.shape == (2000, 16)
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * noise.size)


@pytest.mark.parametrize("name", LIMITED)
def test_given_noise_is_uploaded_as_it_is(name):
    known = KNOWLEDGE._replace(noise=jnp.asarray(ITEMS))
    state = ATTACKS[name]().make().init(jax.random.key(0), known)
    np.testing.assert_array_equal(state.noise, ITEMS)
    np.testing.assert_array_equal(state.chosen, initial(name).chosen)
