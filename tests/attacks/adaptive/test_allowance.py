"""Attacks within what clipping and a budget allow, against their formulas in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.aggregators import ServerKnowledge, ServerView, budget, chain, clip_adaptive
from jaxfr.attacks import (
    fake_profile,
    invert_head,
    invert_tail,
    knapsack,
    mix,
    promote,
)
from jaxfr.attacks.adaptive.allowance import Places, deal, evenly, places
from jaxfr.attacks.adaptive.knapsack import buy
from jaxfr.uploads import Uploads, append_tables
from jaxfr.uploads.clients import map_rows
from jaxfr.uploads.norms import row_norm
from tests.attacks.adaptive.population import (
    BENIGN,
    DIM,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    POPULARITY,
    REGULARIZATION,
    SOME,
    Population,
    Sent,
    population,
    send,
)

FAMILY = [
    *(
        invert_head(),
        invert_head(1.5, length=0.5),
        invert_tail(),
        promote(),
        promote(1.0),
    ),
    *(mix(), mix(2.0), fake_profile(), knapsack()),
]
every_one = pytest.mark.parametrize("attack", FAMILY, ids=str)
TAIL = (NUM_ITEMS + 1) // 2


def shared(pool: np.ndarray, total: int, acting: int) -> np.ndarray:
    """Rows of each item where the pool's items take one each in turns."""
    counts = np.zeros(NUM_ITEMS, int)
    for turn in range(total if len(pool) else 0):
        item = pool[turn % len(pool)]
        counts[item] += counts[item] < acting
    return counts


def pool_of(place: np.ndarray, size: float, most: int) -> np.ndarray:
    return np.argsort(place)[: min(int(size), most)]


def opposite(seen: Population) -> np.ndarray:
    length = np.linalg.norm(seen.sums, axis=1, keepdims=True)
    return -seen.norm * seen.sums / np.where(length > 0, length, 1)


def towards_users(seen: Population, order: Places) -> np.ndarray:
    """From the rows of the most popular items, regulariser left out."""
    pull = np.zeros(seen.items.shape[1])
    for item in np.argsort(np.asarray(order.head))[: seen.row_count]:
        for row in seen.rows[item][seen.sent[item]]:
            pull -= row - REGULARIZATION * seen.items[item]
    return pull / np.linalg.norm(pull)


def assert_sent(sent: Sent, rows: np.ndarray, counts: np.ndarray) -> None:
    """One row for each item that has any, from so many different clients."""
    assert sent.rows.shape[1] == 1
    np.testing.assert_array_equal(sent.sends[:, 0].sum(axis=1), counts)
    sends = counts > 0
    np.testing.assert_allclose(sent.rows[sends, 0], rows[sends], rtol=1e-4, atol=1e-5)


every_round = pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])


@every_round
@pytest.mark.parametrize("spread", [1.0, 1.5])
def test_invert_sends_the_opposite_of_the_sum_to_the_head_or_the_tail(
    seed, acting, spread
):
    seen, number = population(seed), int(acting.sum())
    total, wanted = number * seen.row_count, spread * seen.row_count
    for attack, most in ((invert_head(spread), NUM_ITEMS), (invert_tail(spread), TAIL)):
        sent = send(attack, seen, acting)
        place = sent.state.head if most == NUM_ITEMS else sent.state.tail
        counts = shared(pool_of(place, wanted, most), total, number)
        assert_sent(sent, opposite(seen), counts * seen.sent.any(axis=1))


@every_round
@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_promote_moves_the_tail_to_where_the_head_s_rows_point(seed, acting, spread):
    seen, number = population(seed), int(acting.sum())
    sent = send(promote(spread), seen, acting)
    pool = pool_of(sent.state.tail, spread * seen.row_count, TAIL)
    row = -seen.norm * towards_users(seen, sent.state)
    counts = shared(pool, number * seen.row_count, number)
    assert_sent(sent, np.tile(row, (NUM_ITEMS, 1)), counts)


@every_round
@pytest.mark.parametrize("attack", [mix(), mix(1.5), fake_profile(), fake_profile(1.5)])
def test_mix_promotes_the_tail_and_demotes_the_head(seed, acting, attack):
    seen, number = population(seed), int(acting.sum())
    sent, half = send(attack, seen, acting), seen.row_count // 2
    pools = [
        pool_of(place, attack.spread * half, NUM_ITEMS // 2)
        for place in (sent.state.tail, sent.state.head)
    ]
    tail, head = (shared(pool, number * half, number) for pool in pools)
    sign = np.where(tail > 0, -1, 1)[:, None]
    users = towards_users(seen, sent.state)
    rows = sign * seen.norm * users
    if attack.name == "fake_profile":
        regular = REGULARIZATION * seen.items
        longest = np.linalg.norm(regular, axis=1).max()
        rows = sign * (seen.norm - longest) * users + regular
    assert_sent(sent, rows, tail + head)


@every_round
def test_knapsack_buys_what_is_most_popular_for_its_rows_while_rows_last(seed, acting):
    seen, number = population(seed), int(acting.sum())
    left, counts = number * seen.row_count, np.zeros(NUM_ITEMS, int)
    received = seen.sent.sum(axis=1)
    for item in np.argsort(-POPULARITY / np.maximum(received, 1), kind="stable"):
        counts[item] = min(received[item], number, left)
        left -= counts[item]
    assert_sent(send(knapsack(), seen, acting), opposite(seen), counts)


def test_a_knapsack_that_holds_everything_holds_no_more():
    popularity, price = jnp.array([5, 1, 3]), jnp.array([2, 0, 4])
    found = buy(popularity, price, jnp.int32(100), jnp.int32(3))
    np.testing.assert_array_equal(found, [2, 0, 3])


def test_fake_profiles_are_of_rank_one_and_their_coefficients_add_up_to_0():
    seen = population(2)
    sent = send(fake_profile(), seen)
    for client in range(MALICIOUS):
        own = sent.sends[:, 0, client]
        rows = sent.rows[own, 0] - REGULARIZATION * seen.items[own]
        assert np.linalg.matrix_rank(rows, tol=1e-4) == 1
        np.testing.assert_allclose(rows.sum(axis=0), 0, atol=1e-5)


# --- what the defense makes of it ---


@every_one
@pytest.mark.parametrize("seed", [0, 1])
def test_clip_and_budget_leave_the_malicious_clients_as_they_are(attack, seed):
    seen = population(seed, without=())
    assert seen.sent.any(axis=1).all()
    sent = send(attack, seen).uploads
    ids = BENIGN + np.arange(MALICIOUS)
    (table,) = sent.tables
    named = table._replace(client=jnp.asarray(ids))
    everything = append_tables(seen.uploads, sent._replace(tables=(named,)))
    stages = chain(clip_adaptive(), budget()).make()
    last = jnp.zeros_like(seen.uploads.item_embeddings)
    view = ServerView(jnp.int32(0), jnp.int32(0), last, BENIGN + MALICIOUS)
    knowledge = ServerKnowledge(view.num_clients, NUM_ITEMS, DIM)
    left, _ = stages.update(stages.init(knowledge), everything, view)
    assert isinstance(left, Uploads)
    trust = np.asarray(left.client_trust)
    np.testing.assert_array_equal(trust[ids], 1)
    norms = map_rows(row_norm, left)[1][0]
    kept = np.asarray(table.weight) > 0
    before = np.linalg.norm(np.asarray(table.rows), axis=2)
    # A fake profile's rows are shorter than tau, and so is the median with them.
    longest = 0.05 if attack.name == "fake_profile" else 1e-5
    np.testing.assert_allclose(np.asarray(norms)[kept], before[kept], rtol=longest)


# --- orders, shares and turns ---


def test_the_head_is_the_most_popular_and_the_tail_begins_with_the_other_half():
    found = places(jax.random.key(0), jnp.asarray(POPULARITY))
    head, tail = (np.argsort(np.asarray(place)) for place in found)
    np.testing.assert_array_equal(POPULARITY[head], np.sort(POPULARITY)[::-1])
    assert set(tail[:TAIL]) == set(head[NUM_ITEMS - TAIL :])
    other = places(jax.random.key(1), jnp.asarray(POPULARITY))
    assert np.any(np.asarray(other.tail) != np.asarray(found.tail))


@settings(max_examples=50)
@given(
    pool=st.integers(0, NUM_ITEMS), total=st.integers(0, 60), acting=st.integers(0, 5)
)
def test_a_pool_shares_rows_evenly(pool, total, acting):
    counts = evenly(jnp.arange(NUM_ITEMS), *map(jnp.int32, (pool, total, acting)))
    np.testing.assert_array_equal(counts, shared(np.arange(pool), total, acting))


@settings(max_examples=50)
@given(
    wanted=st.lists(st.integers(0, 5), min_size=6, max_size=6),
    taking_part=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_rows_are_dealt_to_different_clients_and_evenly(wanted, taking_part):
    acts = np.array(taking_part)
    counts = np.minimum(wanted, acts.sum())
    dealt = np.asarray(deal(jnp.asarray(counts, jnp.int32), jnp.asarray(acts)))
    assert dealt.shape == (6, 5)
    np.testing.assert_array_equal(dealt.sum(axis=1), counts)
    of_clients = dealt.sum(axis=0)
    assert not of_clients[~acts].any()
    if acts.any():
        assert np.ptp(of_clients[acts]) <= 1
