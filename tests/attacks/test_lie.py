"""LIE: how far it goes, and what it sends."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from jaxfr.attacks.lie import overlooked_deviations
from tests.attacks.scopes import (
    CLIENTS,
    EVERYONE,
    SOME,
    benign_uploads,
    every_scope,
    expected_weight,
    moments,
    negative,
    rows_in_scope,
    send,
    some_clients,
)
from tests.uploads.samples import NUM_ITEMS

compiled_deviations = jax.jit(overlooked_deviations)


def deviations(benign: int, malicious: int) -> float:
    return float(compiled_deviations(jnp.int32(benign), jnp.int32(malicious)))


def formula(benign: int, malicious: int) -> float:
    """SPEC section 7."""
    everyone = benign + malicious
    s = math.floor(everyone / 2 + 1) - malicious
    return float(norm.ppf((everyone - malicious - s) / (everyone - malicious)))


# --- z ---


def test_a_worked_example():
    # N = 15, s = floor(8.5) - 5 = 3, Phi^-1(7 / 10).
    assert deviations(10, 5) == pytest.approx(0.524401, abs=1e-5)
    # N = 10, s = 6 - 2 = 4, Phi^-1(4 / 8).
    assert deviations(8, 2) == pytest.approx(0, abs=1e-6)


def test_ml_100k_at_3_percent():
    # N = 972, s = 487 - 29 = 458, Phi^-1(485 / 943).
    assert deviations(943, 29) == pytest.approx(norm.ppf(485 / 943), abs=1e-6)


@settings(max_examples=200)
@given(benign=st.integers(3, 100_000), share=st.floats(0, 1))
def test_z_is_the_formula_s_where_it_is_finite(benign, share):
    malicious = int(share * benign)
    expected = formula(benign, malicious)
    assert math.isfinite(expected)
    assert deviations(benign, malicious) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("benign", "malicious", "quantile"),
    [
        (10, 12, 19 / 20),  # s = 0, Phi^-1(1)
        (10, 500, 19 / 20),  # s < 0
        (1, 1, 1 / 2),  # s = n = 1, Phi^-1(0)
        (2, 0, 1 / 4),  # s = n = 2
        (1, 0, 1 / 2),  # s = n = 1
        (0, 5, 1 / 2),  # nobody to hide among
        (0, 0, 1 / 2),
    ],
)
def test_z_stays_finite(benign, malicious, quantile):
    assert benign == 0 or not math.isfinite(formula(benign, malicious))
    expected = norm.ppf(quantile)
    assert deviations(benign, malicious) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=50)
@given(benign=st.integers(1, 10_000), malicious=st.integers(0, 20_000))
def test_more_malicious_clients_never_go_less_far(benign, malicious):
    one, more = deviations(benign, malicious), deviations(benign, malicious + 1)
    assert math.isfinite(one)
    assert more >= one - 1e-6


def test_other_numbers_of_clients_need_no_other_program():
    traced = []

    @jax.jit
    def counted(benign: jax.Array, malicious: jax.Array) -> jax.Array:
        traced.append(None)
        return overlooked_deviations(benign, malicious)

    for benign, malicious in ((10, 5), (943, 29)):
        counted(jnp.int32(benign), jnp.int32(malicious))
    assert len(traced) == 1


# --- rows ---


@every_scope
@pytest.mark.parametrize("acting", [EVERYONE, SOME])
@pytest.mark.parametrize("lie_z", [None, 1.5, -2.0])
def test_rows_are_the_mean_less_z_deviations(lie_z, acting, scope):
    benign = benign_uploads(0, participants=40)
    if lie_z is None:
        z = formula(int(benign.participants), int(acting.sum()))
        sent = send("lie", benign, scope, acting)
    else:
        z = lie_z
        sent = send("lie", benign, scope, acting, lie_z=lie_z)
    assert sent.rows.shape[:2] == (NUM_ITEMS, 1)
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        mean, deviation = moments(rows)
        np.testing.assert_allclose(
            sent.rows[item, 0], mean - z * deviation, rtol=1e-4, atol=1e-5
        )


@every_scope
@some_clients
def test_one_row_stands_for_all_that_act(acting, scope):
    benign = benign_uploads(1)
    sent = send("lie", benign, scope, acting)
    assert sent.participants == acting.sum()
    for item in range(NUM_ITEMS):
        expected = acting.sum() * expected_weight(benign, scope, item)
        assert sent.weight[item] == expected


def test_z_follows_from_those_who_act_and_not_from_the_room_for_them():
    benign = benign_uploads(2, participants=20)
    few, many = (
        send("lie", benign, "sparse", np.arange(12) < acting).rows
        for acting in (CLIENTS, 12)
    )
    np.testing.assert_array_equal(send("lie", benign, "sparse").rows, few)
    assert np.abs(few - many).max() > 0.1


def test_rounds_differ_only_by_their_benign_rows():
    one, later, other = (
        send("lie", benign_uploads(seed), number=number, seed=number).rows
        for number, seed in ((0, 3), (7, 3), (0, 4))
    )
    np.testing.assert_array_equal(one, later)
    assert np.any(one != other)


@every_scope
@settings(max_examples=20)
@given(seed=st.integers(0, 99), z=st.floats(-3, 3))
def test_opposite_rows_and_z_make_the_opposite_row(scope, seed, z):
    benign = benign_uploads(seed)
    found = send("lie", negative(benign), scope, lie_z=-z).rows
    assert np.isfinite(found).all()
    np.testing.assert_allclose(
        found, -send("lie", benign, scope, lie_z=z).rows, rtol=1e-5, atol=1e-6
    )
