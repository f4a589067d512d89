"""Runs side by side make the choices that each of them would make alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxfr as fr
from jaxfr.side_by_side import map_side_by_side, where_needed


def rare(number: jax.Array) -> dict[str, jax.Array]:
    return {"found": jnp.sin(number)}


def usual(number: jax.Array) -> dict[str, jax.Array]:
    return {"found": 2.0 * number}


def chosen(needed: jax.Array, number: jax.Array) -> dict[str, jax.Array]:
    return where_needed(needed, rare, usual, number)


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_each_run_has_what_it_needs_and_its_derivative(needs):
    needed, numbers = jnp.array(needs), jnp.arange(1.0, 1.0 + len(needs))
    expected = np.where(needed, np.sin(numbers), 2.0 * numbers)
    slopes = np.where(needed, np.cos(numbers), 2.0)

    def slope(one: jax.Array, number: jax.Array) -> jax.Array:
        return jax.grad(lambda number: chosen(one, number)["found"])(number)

    for place in range(len(needs)):
        alone = chosen(needed[place], numbers[place])["found"]
        np.testing.assert_allclose(alone, expected[place], rtol=1e-6)
    found = map_side_by_side(chosen, needed, numbers)["found"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    found = map_side_by_side(slope, needed, numbers)
    np.testing.assert_allclose(found, slopes, rtol=1e-6)


@pytest.mark.parametrize("needs", [(False, False), (False, True)])
def test_what_no_run_needs_is_not_computed(needs):
    computed = []

    def told(number: jax.Array) -> jax.Array:
        jax.debug.callback(lambda: computed.append(True))
        return -number

    def one_run(needed: jax.Array, number: jax.Array) -> jax.Array:
        return where_needed(needed, told, lambda number: number, number)

    map_side_by_side(jax.jit(one_run), jnp.array(needs), jnp.arange(2))
    jax.effects_barrier()
    assert bool(computed) == any(needs)


@pytest.mark.device
def test_a_chain_of_stages_trains_runs_side_by_side_as_alone():
    aggregators = fr.aggregators
    stages = (
        *(aggregators.realisable(), aggregators.overlap(columns=16)),
        *(aggregators.flame(every=2), aggregators.fools_gold(every=2)),
    )
    experiment = fr.Experiment(
        attack=fr.attacks.sleeper(2),  # from round 2 on of 4
        malicious_ratio=0.1,
        aggregator=fr.chain(*stages, fr.mean()),
        num_candidates=9,
    )
    data = fr.synthetic_dataset(num_users=40, num_items=60, num_pairs=400)
    keys = jnp.stack([fr.run_key(seed) for seed in range(3)])

    def one_run(key: jax.Array) -> jax.Array:
        return fr.simulate(experiment, data, 4, key)[0].item_embeddings

    together = jax.jit(lambda keys: map_side_by_side(one_run, keys))(keys)
    one_by_one = jax.jit(lambda keys: jax.lax.map(one_run, keys))(keys)
    np.testing.assert_allclose(together, one_by_one, rtol=2e-4, atol=1e-6)
