"""LIE: how far it goes, and what it sends."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from jaxfr.attacks.general.lie import overlooked_deviations
from tests.attacks.scopes import (
    EVERYONE,
    SOME,
    benign_uploads,
    every_scope,
    expected_weight,
    moments,
    rows_in_scope,
    send,
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
    assert sent.rows.shape[:2] == (NUM_ITEMS, 1)  # which stands for all that act
    assert sent.participants == acting.sum()
    for item, rows in enumerate(rows_in_scope(benign, scope)):
        expected = acting.sum() * expected_weight(benign, scope, item)
        assert sent.weight[item] == expected
        mean, deviation = moments(rows)
        np.testing.assert_allclose(
            sent.rows[item, 0], mean - z * deviation, rtol=1e-4, atol=1e-5
        )
