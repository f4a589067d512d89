"""What benign clients lose, and rows where the next costs most, against plain NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import Attack, water_filling
from jaxfr.attacks.adaptive.benign_loss import LossName, held_items, loss_gradient
from jaxfr.attacks.adaptive.water_filling import fill
from jaxfr.parts import Part
from jaxfr.uploads import Uploads, row_counts
from tests.attacks.adaptive.population import (
    BENIGN,
    DIM,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    REGULARIZATION,
    SOME,
    Population,
    population,
    send,
)

USERS = np.random.default_rng(5).normal(size=(BENIGN, DIM)).astype(np.float32)


def matrix_factorisation(seed: int) -> tuple[Population, np.ndarray]:
    """Rows ``g u + lambda v`` of clients, and the slopes g, ``[m, n]``."""
    seen = population(seed)
    slopes = np.random.default_rng(seed).normal(size=(NUM_ITEMS, BENIGN))
    slopes = slopes.astype(np.float32)
    uploads = seen.uploads._replace(
        vectors=jnp.asarray(USERS),
        vector=jnp.tile(jnp.arange(BENIGN, dtype=jnp.int32), NUM_ITEMS),
        scale=jnp.asarray(slopes.reshape(-1)),
        item_scale=jnp.float32(REGULARIZATION),
    )
    rows = slopes[..., None] * USERS + REGULARIZATION * seen.items[:, None]
    return seen._replace(uploads=uploads, rows=rows), slopes


def ranking_loss(items: np.ndarray, held: np.ndarray) -> float:
    """Of all clients, from the definition in float64."""
    total = 0.0
    for client in range(BENIGN):
        scores = items @ USERS[client].astype(np.float64)
        for one in np.flatnonzero(held[:, client]):
            others = np.flatnonzero(~held[:, client])
            total += np.log(1 + np.sum(np.exp(scores[others] - scores[one])))
    return total


def expected_gradient(seen: Population, slopes: np.ndarray, loss: LossName):
    if loss == "training":
        return seen.sums
    held, found = seen.sent & (slopes < 0), np.zeros((NUM_ITEMS, DIM))
    for item, number in itertools.product(range(NUM_ITEMS), range(DIM)):
        costs = []
        for step in (1e-5, -1e-5):
            moved = seen.items.copy()
            moved[item, number] += step
            costs.append(ranking_loss(moved, held))
        found[item, number] = (costs[0] - costs[1]) / 2e-5
    return found


@pytest.mark.parametrize("loss", ["training", "ranking"])
def test_the_derivative_is_that_of_the_loss(loss):
    seen, slopes = matrix_factorisation(0)
    found = jax.jit(loss_gradient, static_argnums=0)(loss, seen.uploads)
    expected = expected_gradient(seen, slopes, loss)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_what_a_client_holds_has_negative_coefficients():
    seen, slopes = matrix_factorisation(1)
    np.testing.assert_array_equal(held_items(seen.uploads).T, seen.sent & (slopes < 0))


# --- water filling ---


def mean_cost(gradient, total, received, sent, norm) -> float:
    """What the mean of one item's rows costs, ``-<G, mean>``; nothing without rows."""
    length = np.linalg.norm(gradient)
    if received + sent == 0:
        return 0.0
    return (sent * norm * length - gradient @ total) / (received + sent)


def greedily(gradient, sums, received, rows, most, norm) -> np.ndarray:
    """Rows one by one, each tried at every item."""
    sent = np.zeros(NUM_ITEMS, int)
    for _ in range(rows):
        gains = [
            mean_cost(*of_item, sent[item] + 1, norm)
            - mean_cost(*of_item, sent[item], norm)
            if sent[item] < most
            else 0.0
            for item, of_item in enumerate(zip(gradient, sums, received, strict=True))
        ]
        if max(gains) <= 1e-9:
            break
        sent[np.argmax(gains)] += 1
    return sent


@pytest.mark.parametrize(("seed", "acting"), [(0, EVERYONE), (1, SOME), (2, SOME)])
@pytest.mark.parametrize("attack", [water_filling(), water_filling("ranking", 0.5)])
def test_water_filling_gives_each_row_to_where_it_costs_most(
    seed: int, acting: np.ndarray, attack: Part[Attack]
):
    seen, slopes = matrix_factorisation(seed)
    sent, norm = send(attack, seen, acting), attack.length * seen.norm
    gradient = expected_gradient(seen, slopes, attack.loss)
    number = int(acting.sum())
    given = gradient, seen.sums, seen.sent.sum(axis=1)
    counts = greedily(*given, number * seen.row_count, number, norm)
    np.testing.assert_array_equal(sent.sends[:, 0].sum(axis=1), counts)
    assert sent.sends.sum(axis=(0, 1)).max() <= seen.row_count
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    rows = -norm * gradient / np.where(length > 0, length, 1)
    sends = counts > 0
    np.testing.assert_allclose(sent.rows[sends, 0], rows[sends], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("total", [0, 1, 4, 7, 100])
def test_equal_costs_are_filled_one_after_the_other_and_no_further_than_allowed(total):
    """Alike items, one that rows would help, and one that no row can cost more."""
    steepness = jnp.array([1.0, 1.0, 1.0, 1.0, 0.0])
    against = jnp.array([0.0, 0.0, 0.0, -9.0, 0.0])
    counts = fill(
        steepness, against, jnp.full(5, 3), jnp.int32(total), jnp.int32(MALICIOUS)
    )
    assert counts.sum() == min(total, 3 * MALICIOUS)
    assert np.ptp(np.asarray(counts[:3])) <= 1
    assert not counts[3:].any()


def test_an_item_without_benign_rows_takes_one_row():
    counts = fill(
        jnp.ones(2), jnp.zeros(2), jnp.array([0, 1]), jnp.int32(4), jnp.int32(9)
    )
    np.testing.assert_array_equal(counts, [1, 3])


def test_rows_of_nobody_count_for_nothing():
    """Padding of weight 0 shows no held item and pulls nowhere."""
    seen, _ = matrix_factorisation(0)
    nothing = seen.uploads._replace(weight=0 * seen.uploads.weight)
    assert isinstance(nothing, Uploads)
    assert not row_counts(nothing).any()
    assert not held_items(nothing).any()
    assert not np.asarray(loss_gradient("ranking", nothing)).any()
