"""Attackers who look at clients see the same ones on however many devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import (
    copied_profiles,
    copied_sets,
    decorrelated,
    invert_head,
    sign_guard_aware,
    water_filling,
    white_box,
)
from jaxfr.training import layout_for, run_key, start, train_rounds
from tests.training.problem import configured, small_dataset

ROUNDS = 3


def trained(name: str, devices: int) -> jax.Array:
    experiment = configured(name, "mean", learning_rate=0.5)
    layout = layout_for(experiment, small_dataset(), devices)
    setup, state = start(experiment, layout, run_key(0))
    schedule = jnp.arange(ROUNDS, dtype=jnp.int32), jnp.int32(ROUNDS), jnp.int32(0)
    return train_rounds(experiment, layout, setup, state, *schedule)[0].item_embeddings


@pytest.mark.skipif("jax.device_count() < 2", reason="takes two devices")
@pytest.mark.parametrize(
    "attack",
    [
        *(invert_head(), copied_sets(), water_filling("ranking"), white_box()),
        *(sign_guard_aware(), decorrelated(), copied_profiles()),
    ],
    ids=str,
)
def test_two_devices_train_as_one(attack):
    one, two = (trained(str(attack), devices) for devices in (1, 2))
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
