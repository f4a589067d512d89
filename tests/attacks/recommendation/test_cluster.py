"""ClusterAttack: its rows, and how its number of clusters adapts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jaxfr.attacks import Knowledge, OmniscientAttack, cluster
from jaxfr.attacks.recommendation.cluster import (
    ClusterCount,
    ClusterState,
    adapt,
    first_count,
    scale_to_norm,
)
from jaxfr.attacks.recommendation.k_means import draw_centres
from jaxfr.attacks.rows import Scope
from jaxfr.uploads import Uploads, item_table
from tests.attacks.known import knowledge_of, view_of
from tests.attacks.recommendation.test_k_means import nearest, plain_k_means
from tests.chances import assert_chances

NUM_ITEMS, DIM, CLIENTS, PER_ITEM = 60, 3, 4, 3
EVERYONE = np.ones(CLIENTS, bool)
SOME = np.array([True, False, True, False])
ITEMS = np.random.default_rng(0).normal(size=(NUM_ITEMS, DIM)).astype(np.float32)


def knowledge(num_items: int = NUM_ITEMS, clients: int = CLIENTS) -> Knowledge:
    return knowledge_of([1] * num_items, clients, DIM)


def attack_in(scope: Scope = "dense") -> OmniscientAttack:
    attack = cluster(scope).make()
    assert isinstance(attack, OmniscientAttack)
    return attack


def initial(num_items: int = NUM_ITEMS, clients: int = CLIENTS) -> ClusterState:
    return attack_in().init(jax.random.key(5), knowledge(num_items, clients))


@functools.partial(jax.jit, static_argnames="scope")
def _send(
    state: ClusterState,
    items: jax.Array,
    acting: jax.Array,
    number: jax.Array,
    benign: Uploads,
    scope: Scope = "dense",
):
    view = view_of(items, acting, number)
    return attack_in(scope).upload(state, view, benign)


def benign_uploads(items: np.ndarray) -> tuple[Uploads, np.ndarray]:
    """Benign rows, some sent by nobody and some by two; and the norms of all sent.

    Nine clients take part, so that most sent an item nothing.
    """
    random = np.random.default_rng(1)
    rows = random.normal(size=(len(items), PER_ITEM, DIM)).astype(np.float32)
    weight = random.integers(0, 3, (len(items), PER_ITEM))
    uploads = item_table(
        jnp.asarray(rows), jnp.asarray(weight), jnp.asarray(items), jnp.int32(9)
    )
    norms = np.linalg.norm(rows.astype(np.float64), axis=2)
    return uploads, np.repeat(norms.reshape(-1), weight.reshape(-1))


def send(
    state: ClusterState,
    items: np.ndarray = ITEMS,
    acting: np.ndarray = EVERYONE,
    number: int = 0,
    scope: Scope = "dense",
) -> tuple[np.ndarray, np.ndarray, int, ClusterState]:
    """Rows, weights, participants and the state after the round."""
    view = jnp.asarray(items), jnp.asarray(acting), jnp.int32(number)
    uploads, state = _send(state, *view, benign_uploads(items)[0], scope)
    assert uploads.item.size == 0
    (table,) = uploads.tables
    rows = np.asarray(table.rows, np.float64)
    return rows, np.asarray(table.weight), int(uploads.participants), state


def gradients(
    state: ClusterState, items: np.ndarray, number: int
) -> tuple[np.ndarray, float]:
    """``2 (v_j - centre_j) / k`` and the loss, from the attack's own first centres."""
    k = int(state.clusters.number)
    key = jax.random.fold_in(jax.random.split(state.key)[0], number)
    start = np.asarray(draw_centres(key, jnp.asarray(items), 50), np.float64)
    exact = items.astype(np.float64)
    centres = plain_k_means(exact, start[:k])
    centre = centres[nearest(exact, centres)]
    return 2 * (exact - centre) / k, float(np.sum((exact - centre) ** 2) / k)


class PlainCount:
    """The adaptation, told in plain words."""

    def __init__(self) -> None:
        self.k, self.waiting_time = 2, 10.0
        self.closest = np.inf  # that two averages in a row ever came
        self.start_counting()

    def start_counting(self) -> None:
        self.rounds, self.moving, self.rises, self.falls = 0, 0.0, 0, 0

    def average(self) -> float:
        return self.moving / (1 - 0.9**self.rounds) if self.rounds else 0.0

    def add(self, loss: float) -> None:
        before = self.average()
        self.rounds, self.moving = self.rounds + 1, 0.9 * self.moving + 0.1 * loss
        if self.rounds > 1:
            self.rises += self.average() > before
            self.falls += self.average() < before
            self.closest = min(self.closest, abs(self.average() - before))
        if self.rises - self.falls >= self.waiting_time:
            self.k = min(50, self.k + round((50 - self.k) ** 0.5))
        elif self.falls - self.rises >= self.waiting_time:
            self.k = max(1, self.k - round((self.k - 1) ** 0.5))
        else:
            return
        self.start_counting()
        self.waiting_time *= 1.5


@jax.jit
def adapted(losses: jax.Array) -> ClusterCount:
    """The state after each loss, leading axis ``[rounds]``."""

    def step(count: ClusterCount, loss: jax.Array) -> tuple[ClusterCount, ClusterCount]:
        count = adapt(count, loss, 50)
        return count, count

    return jax.lax.scan(step, first_count(NUM_ITEMS), losses)[1]


# --- how k adapts ---


def test_two_clusters_at_first_or_as_many_as_there_are_items():
    assert [int(first_count(items).number) for items in (1, 2, 3, 99)] == [1, 2, 2, 2]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    trend=st.floats(-0.3, 0.3),
    turn=st.integers(1, 400),
)
def test_k_is_that_of_the_plain_words(seed, trend, turn):
    random = np.random.default_rng(seed)
    direction = np.where(np.arange(400) < turn, 1.0, -1.0)
    losses = np.cumsum(trend * direction + 0.3 * random.normal(size=400))
    losses = (10 + losses).astype(np.float32)
    found, plain, expected = adapted(jnp.asarray(losses)), PlainCount(), []
    for loss in losses.tolist():
        plain.add(loss)
        expected.append((plain.k, plain.waiting_time, plain.rises, plain.falls))
    assume(plain.closest > 1e-5)  # what float32 can tell apart
    columns = found.number, found.waiting_time, found.rises, found.falls
    np.testing.assert_array_equal(np.transpose(columns), expected)


def test_k_stays_between_one_and_fifty():
    up = np.asarray(adapted(jnp.arange(1.0, 4000.0)).number)
    down = np.asarray(adapted(jnp.append(jnp.arange(27.0), -jnp.arange(2000.0))).number)
    assert (up.max(), down.min()) == (50, 1)
    assert up.min() == 2


def test_a_loss_that_is_not_finite_leaves_k_alone():
    found = adapted(jnp.array([1.0, jnp.nan] + [2.0] * 30))
    assert np.all(np.asarray(found.number) == 2)


# --- what is uploaded ---


def test_rows_point_along_the_gradient_in_every_round_while_k_adapts():
    state, plain = initial(), PlainCount()
    for number in range(30):
        items = (1.1**number * ITEMS).astype(np.float32)
        acting = SOME if number % 2 else EVERYONE
        expected, loss = gradients(state, items, number)
        rows, weight, participants, state = send(state, items, acting, number)
        norm = np.linalg.norm(rows, axis=2, keepdims=True)
        own_norm = np.linalg.norm(expected, axis=1, keepdims=True)
        direction = expected / np.where(own_norm > 0, own_norm, 1)  # alone: 0
        for client in range(CLIENTS):
            np.testing.assert_allclose(
                rows[:, client], norm[:, client] * direction, rtol=1e-3, atol=1e-3
            )
        np.testing.assert_array_equal(weight, np.tile(acting, (NUM_ITEMS, 1)))
        assert participants == acting.sum()
        plain.add(loss)
        assert state.clusters.number == plain.k
        np.testing.assert_allclose(state.clusters.average, plain.average(), rtol=1e-4)
    assert plain.k > 9


@pytest.mark.parametrize("scope", ["dense", "sparse"])
def test_norms_are_uniform_from_the_mean_up_to_three_deviations_more(scope):
    honest = benign_uploads(ITEMS)[1]
    if scope == "dense":
        honest = np.append(honest, np.zeros(9 * NUM_ITEMS - len(honest)))
    state = initial(clients=100)
    rows, _, _, _ = send(state, acting=np.ones(100, bool), scope=scope)
    share = (np.linalg.norm(rows, axis=2) - honest.mean()) / (3 * honest.std())
    assert share.min() > -1e-5
    assert share.max() < 1 + 1e-5
    found = np.histogram(share, bins=20, range=(-1e-5, 1 + 1e-5))[0]
    assert_chances(found, np.full(20, 1 / 20))


def test_every_item_gets_a_row_in_both_scopes():
    dense, sparse = (
        send(initial(), scope=scope, acting=SOME) for scope in ("dense", "sparse")
    )
    np.testing.assert_array_equal(dense[1], np.tile(SOME, (NUM_ITEMS, 1)))
    np.testing.assert_array_equal(dense[1], sparse[1])
    # Among many zeros a row has to be short to look honest.
    assert np.linalg.norm(dense[0]) < np.linalg.norm(sparse[0])


def test_an_item_at_its_centre_has_no_gradient():
    two = ITEMS[:2]
    rows, weight, _, _ = send(initial(num_items=2), two)
    np.testing.assert_array_equal(rows, np.zeros((2, CLIENTS, DIM)))
    assert np.all(weight == 1)


def test_nothing_adapts_where_nobody_acts():
    state = send(initial())[3]
    weight, participants, after = send(state, 5 * ITEMS, ~EVERYONE, 1)[1:]
    assert participants == 0
    assert not weight.any()
    for before, now in zip(state.clusters, after.clusters, strict=True):
        np.testing.assert_array_equal(before, now)


@given(
    row=st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3),
    norm=st.floats(0.125, 1e3, width=32),
)
@settings(max_examples=50)
def test_a_row_is_scaled_to_its_norm_unless_it_is_zero(row, norm):
    found = np.asarray(scale_to_norm(jnp.array(row, jnp.float32), jnp.float32(norm)))
    own = np.linalg.norm(np.array(row))
    assert np.all(np.isfinite(found))
    if own == 0:
        assert not found.any()
    elif own > 1e-15:
        np.testing.assert_allclose(np.linalg.norm(found), norm, rtol=1e-5)
