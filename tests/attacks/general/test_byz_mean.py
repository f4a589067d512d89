"""ByzMean: what the mean becomes, and who sends what."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import byz_mean
from jaxfr.attacks.general.lie import overlooked_deviations
from tests.attacks.adaptive.population import (
    BENIGN,
    EVERYONE,
    SOME,
    population,
    send,
)
from tests.attacks.scopes import moments

ONE = np.array([False, False, True, False, False])


@pytest.mark.parametrize("z", [None, 1.5])
@pytest.mark.parametrize("acting", [EVERYONE, SOME, ONE])
def test_the_mean_of_all_rows_is_the_row_that_the_first_half_sends(acting, z):
    seen, number = population(0), int(acting.sum())
    sent = send(byz_mean(z), seen, acting)
    counts = jnp.int32(BENIGN), jnp.int32(number)
    far = float(overlooked_deviations(*counts)) if z is None else z
    acts = np.flatnonzero(acting)
    first, rest = np.isin(np.arange(5), acts[: number // 2]), acting.copy()
    rest[first] = False
    for item in range(len(seen.rows)):
        rows = seen.rows[item][seen.sent[item]]
        received = len(rows) > 0
        np.testing.assert_array_equal(
            sent.sends[item], [first & received, rest & received]
        )
        if received:
            mean, deviation = moments(rows)
            wanted = mean - far * deviation
            np.testing.assert_allclose(sent.rows[item, 0], wanted, 1e-4, 1e-5)
            own = np.repeat(sent.rows[item], [first.sum(), rest.sum()], axis=0)
            together = np.concatenate([rows, own]).mean(axis=0)
            np.testing.assert_allclose(together, wanted, rtol=1e-4, atol=1e-5)
