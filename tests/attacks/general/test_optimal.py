"""White-box factors: the best of those that are tried, through the real defense."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate, mean, median
from jaxfr.attacks import WhiteBoxAttack, optimal_alie, optimal_ipm
from jaxfr.attacks.general.optimal import best_factor
from jaxfr.uploads import Uploads, append_tables
from tests.attacks.adaptive.population import EVERYONE, TASK, known, population
from tests.attacks.known import view_of
from tests.attacks.scopes import moments


@jax.jit
def best_at(peak: jax.Array) -> jax.Array:
    """Where the damage falls off on either side of a peak."""
    return best_factor(lambda factor: -jnp.abs(jnp.log(factor / peak)))


def test_the_best_factor_is_the_best_power_of_2_or_one_next_to_it():
    for peak in (0.3, 1.0, 2.6, 11.0):
        found = float(best_at(jnp.float32(peak)))
        powers = 2.0 ** np.arange(-3, 5)
        best = powers[np.argmin(np.abs(np.log(powers / peak)))]
        tried = best * np.array([1, *(np.arange(7, 12) / 12), *(np.arange(7, 12) / 6)])
        nearest = tried[np.argmin(np.abs(np.log(tried / peak)))]
        np.testing.assert_allclose(found, nearest, rtol=1e-5)


@pytest.mark.parametrize("rule", [mean(), median()], ids=str)
@pytest.mark.parametrize("attack", [optimal_ipm(), optimal_alie()], ids=str)
def test_no_other_tried_factor_moves_the_table_farther(rule, attack):
    seen, made = population(0), attack.make()
    assert isinstance(made, WhiteBoxAttack)

    def after(malicious: Uploads) -> jax.Array:
        both = append_tables(seen.uploads, malicious)
        return seen.uploads.item_embeddings - 0.1 * aggregate(rule, both)[0].rows

    @jax.jit
    def send() -> Uploads:
        view = view_of(seen.uploads.item_embeddings, EVERYONE, task=TASK)
        state = made.init(jax.random.key(0), known())
        return made.upload(state, view, seen.uploads, after)[0]

    (table,) = send().tables
    received = seen.sent.any(axis=1)
    np.testing.assert_array_equal(table.weight[:, 0], 5 * received)
    lines = [
        moments(rows[sent]) for rows, sent in zip(seen.rows, seen.sent, strict=True)
    ]
    centre, spread = (np.array(one) for one in zip(*lines, strict=True))
    if attack.name == "optimal_ipm":
        centre, spread = np.zeros_like(centre), centre
    sent = np.asarray(table.rows[:, 0], np.float64)
    factors = (centre - sent)[received] / spread[received]
    np.testing.assert_allclose(factors, factors[0, 0], rtol=1e-2)
    alone = after(send()._replace(tables=(table._replace(weight=0 * table.weight),)))

    def moved(factor: float) -> float:
        rows = jnp.float32(centre - factor * spread)[:, None]
        changed = send()._replace(tables=(table._replace(rows=rows),))
        return float(jnp.sum(jnp.square(after(changed) - alone)))

    best = moved(float(factors[0, 0]))
    for factor in 2.0 ** np.arange(-3, 5):
        assert moved(factor) <= best * (1 + 1e-3)
