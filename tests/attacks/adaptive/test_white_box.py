"""Gradient ascent through the defense, against a server in NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxfr.aggregators import Rule, aggregate, chain, clip_adaptive, mean, median
from jaxfr.attacks import ATTACKS, Attack, white_box
from jaxfr.attacks.adaptive.white_box import Found, climb
from jaxfr.attacks.base import malicious_uploads
from jaxfr.parts import Part
from jaxfr.uploads import Uploads, append_tables
from tests.attacks.adaptive.population import (
    BENIGN,
    DIM,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    SOME,
    TASK,
    Population,
    known,
    population,
)
from tests.attacks.known import view_of

RATE = 0.1
STARTS = ["water_filling", "promote", "invert_head", "copied_sets", "spattack_o_d"]
RULES = [mean(), chain(clip_adaptive(), mean())]
every_rule = pytest.mark.parametrize("rule", RULES, ids=str)


@jax.jit
def sent_through(
    attack: Part[Attack], rule: Part[Rule], seen: Uploads, acting: jax.Array
) -> Uploads:
    """What they send in round 0 to a server with this rule."""

    def after(malicious: Uploads) -> jax.Array:
        ids = BENIGN + jnp.arange(MALICIOUS)
        tables = tuple(table._replace(client=ids) for table in malicious.tables)
        both = append_tables(seen, malicious._replace(tables=tables))
        found, _ = aggregate(rule, both, num_clients=BENIGN + MALICIOUS)
        return seen.item_embeddings - RATE * found.rows

    made = attack.make()
    view = view_of(seen.item_embeddings, acting, task=TASK, benign_clients=BENIGN)
    state = made.init(jax.random.key(3), known())
    return malicious_uploads(made, state, view, seen, after)[0]


def send(attack, rule, seen, acting=EVERYONE) -> tuple[np.ndarray, np.ndarray]:
    """The one row of each item, ``[m, d]``, and who sends it, ``[m, malicious]``."""
    (table,) = sent_through(attack, rule, seen.uploads, jnp.asarray(acting)).tables
    assert table.rows.shape[1] == 1
    weight = np.asarray(table.weight[:, 0])
    shape = NUM_ITEMS, MALICIOUS
    senders = np.broadcast_to(np.asarray(table.senders[:, 0]), shape)
    sends = senders & (weight > 0)[:, None] & acting
    np.testing.assert_array_equal(sends.sum(axis=1), weight)
    return np.asarray(table.rows[:, 0], np.float64), sends


def damage(rule: Part[Rule], seen: Population, rows: np.ndarray, sends: np.ndarray):
    """What one row for each item costs, ``[m, d]``, from those who send it."""
    malicious = np.broadcast_to(rows[:, None], (NUM_ITEMS, MALICIOUS, DIM))
    everything = np.concatenate([seen.rows, malicious], axis=1)
    return damage_of_all(rule, seen, everything, np.hstack([seen.sent, sends]))


def damage_of_all(
    rule: Part[Rule], seen: Population, rows: np.ndarray, sent: np.ndarray
) -> float:
    """What the round changes the benign loss by, to first order, in float64."""
    if "clip_adaptive" in str(rule):
        norms = np.linalg.norm(rows, axis=2)
        clients = [
            norms[sent[:, one], one].mean() for one in np.flatnonzero(sent.any(0))
        ]
        factor = np.minimum(1, np.median(clients) / np.maximum(norms, 1e-12))
        rows = factor[..., None] * rows
    total = np.sum(rows * sent[..., None], axis=1)
    moved = -RATE * total / np.maximum(sent.sum(axis=1), 1)[:, None]
    return float(np.sum(seen.sums * moved))


def differences(rule, seen, rows, sends) -> np.ndarray:
    """The derivative of the damage by the rows."""
    found = np.zeros_like(rows)
    for item, number in itertools.product(range(NUM_ITEMS), range(DIM)):
        costs = []
        for step in (1e-6, -1e-6):
            near = rows.copy()
            near[item, number] += step
            costs.append(damage(rule, seen, near, sends))
        found[item, number] = (costs[0] - costs[1]) / 2e-6
    return found


def stepped(rows: np.ndarray, slope: np.ndarray, step: float, norm: float):
    """One step of normalised ascent, within the norm."""
    length = np.linalg.norm(slope, axis=1, keepdims=True)
    moved = rows + step * slope / np.where(length > 0, length, 1)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return moved * np.minimum(1, norm / np.maximum(length, 1e-12))


@every_rule
@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME)])
def test_its_steps_follow_the_derivative_of_the_damage(rule, seed, acting):
    # The shortest rows of all: neither clipped nor the median, where the defense has
    # two derivatives.
    attack, seen = white_box(start="promote", length=0.3), population(seed)
    rows, sends = send(attack.replace(steps=0), rule, seen, acting)
    tried, norm = [rows], 0.3 * seen.norm
    for number in range(2):
        slope = differences(rule, seen, tried[-1], sends)
        slope[np.abs(slope) < 1e-7] = 0.0  # rounding, where nobody sends
        tried.append(stepped(tried[-1], slope, 2 * norm / (number + 1), norm))
    costs = [damage(rule, seen, one, sends) for one in tried]
    assert costs[0] < max(costs)
    found, senders = send(attack.replace(steps=2), rule, seen, acting)
    np.testing.assert_array_equal(senders, sends)
    sent, best = sends.any(axis=1), tried[int(np.argmax(costs))]
    np.testing.assert_allclose(found[sent], best[sent], rtol=1e-3, atol=1e-3)


@every_rule
@pytest.mark.parametrize("start", STARTS)
def test_without_a_step_it_sends_what_it_starts_from(rule, start):
    seen = population(0)
    rows, sends = send(white_box(start=start, steps=0), rule, seen)
    other, senders = send(ATTACKS[start](), rule, seen)
    np.testing.assert_array_equal(sends, senders)
    sent = sends.any(axis=1)
    np.testing.assert_allclose(rows[sent], other[sent], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [*RULES, median()], ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_costs_no_less_than_any_start_and_more_with_steps(rule, seed):
    seen = population(seed)

    def cost(**options) -> float:
        uploads = sent_through(
            white_box(**options), rule, seen.uploads, jnp.asarray(EVERYONE)
        )
        if rule.name == "median":
            both = append_tables(seen.uploads, uploads)
            moved = -RATE * np.asarray(aggregate(rule, both)[0].rows, np.float64)
            return float(np.sum(seen.sums * moved))
        return damage(rule, seen, *send(white_box(**options), rule, seen))

    starts = {start: cost(start=start, steps=0) for start in STARTS}
    best = cost(steps=0)
    np.testing.assert_allclose(best, max(starts.values()), rtol=1e-4)
    for start, alone in starts.items():
        climbed = cost(start=start, steps=3)
        assert climbed >= alone - 1e-4 * abs(alone)
        again = cost(start=start, steps=3, restarts=3)
        assert again >= climbed - 1e-4 * abs(climbed)
    assert cost(steps=3) >= best - 1e-4 * abs(best)
    # From rows that do little there is something to climb.
    assert cost(start="promote", steps=3) > starts["promote"]


@every_rule
@pytest.mark.parametrize("seed", [0, 1])
def test_clients_with_rows_of_their_own_keep_them_and_climb_each_for_itself(rule, seed):
    seen = population(seed)

    def sent(**options) -> tuple[np.ndarray, float]:
        attack = white_box(start="copied_profiles", **options)
        uploads = sent_through(attack, rule, seen.uploads, jnp.asarray(EVERYONE))
        (table,) = uploads.tables
        assert table.rows.shape[1] == MALICIOUS
        rows = np.asarray(table.rows, np.float64)
        everything = np.concatenate([seen.rows, rows], axis=1)
        both = np.concatenate([seen.sent, np.asarray(table.weight) > 0], axis=1)
        return rows, damage_of_all(rule, seen, everything, both)

    rows, begun = sent(steps=0)
    attack = ATTACKS["copied_profiles"]()
    (table,) = sent_through(attack, rule, seen.uploads, jnp.asarray(EVERYONE)).tables
    np.testing.assert_allclose(rows, table.rows, rtol=1e-5, atol=1e-6)
    climbed, ended = sent(steps=3)
    assert ended > begun
    items = np.flatnonzero(np.asarray(table.weight).sum(axis=1) > 1)
    assert any(np.unique(climbed[item].round(3), axis=0).shape[0] > 1 for item in items)


# --- the climb itself ---


@jax.jit
def climbed(peaks: jax.Array, rows: jax.Array, steps: jax.Array) -> Found:
    """On a landscape with several peaks."""
    nothing = Found(jnp.zeros_like(rows), jnp.float32(-jnp.inf))

    def height(rows: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(peaks * rows) - 0.1 * rows**2)

    return climb(height, rows, nothing, jnp.float32(1.0), steps)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 9))
def test_a_climb_ends_no_lower_than_it_began_and_within_the_norm(seed, steps):
    random = np.random.default_rng(seed)
    peaks, rows = random.normal(size=(2, 4, 1, 3)).astype(np.float32) * 3
    peaks, begin = jnp.asarray(peaks), jnp.asarray(rows)
    found = climbed(peaks, begin, jnp.int32(steps))
    at_start = climbed(peaks, begin, jnp.int32(0))
    np.testing.assert_array_equal(at_start.rows, begin)
    assert found.damage >= at_start.damage
    again = climbed(peaks, found.rows, jnp.int32(0))
    np.testing.assert_allclose(again.damage, found.damage, rtol=1e-5)
    kept = np.array_equal(found.rows, begin)
    assert kept or np.linalg.norm(found.rows, axis=2).max() <= 1 + 1e-5
