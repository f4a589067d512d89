"""Runs at once, divided among devices, are the runs one after the other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.experiment import Experiment
from jaxfr.training import start, train_rounds
from jaxfr.training.many import begin_many, draw_many, stack_runs, train_many
from tests.training.problem import changed, configured, small_layout

ROUNDS = jnp.arange(4, dtype=jnp.int32)
SCHEDULE = ROUNDS, jnp.int32(4), jnp.int32(2)

# One run for each number that changes a run of this experiment.
FIRST = configured("spattack_l_s", "mean", learning_rate=0.2)
EXPERIMENTS = [
    FIRST,
    changed(FIRST, learning_rate=0.05),
    changed(FIRST, malicious_clients=1),
    changed(FIRST, attack="spattack_l_s:noise_scale=3.0"),
    changed(FIRST, attack_start=2),
    changed(FIRST, regularization=0.5),
    changed(FIRST, attack="spattack_l_s:max_poisoned_items=2"),
    changed(FIRST, malicious_clients=2),
]
KEYS = jax.vmap(jax.random.key)(jnp.arange(8) % 3)


@functools.cache
def one_after_the_other():
    def one_run(experiment: Experiment, key: jax.Array):
        layout = small_layout()
        setup, state = start(experiment, layout, key)
        return train_rounds(experiment, layout, setup, state, *SCHEDULE)

    finished = [one_run(*run) for run in zip(EXPERIMENTS, KEYS, strict=True)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *finished)


@pytest.mark.parametrize("devices", [1, 4])
def test_runs_at_once_are_those_one_after_the_other(devices):
    experiments, layout = stack_runs(EXPERIMENTS), small_layout()
    setup = draw_many(experiments, devices, layout, KEYS)
    state = begin_many(experiments, devices, layout, setup)
    assert len(state.item_embeddings.sharding.device_set) == devices
    found = train_many(experiments, devices, layout, setup, state, *SCHEDULE)
    expected, report = one_after_the_other()
    np.testing.assert_allclose(
        found[0].item_embeddings, expected.item_embeddings, atol=1e-6
    )
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, atol=1e-6), found[1], report
    )
    assert len(np.unique(expected.item_embeddings[:, 0, 0])) == len(EXPERIMENTS)
