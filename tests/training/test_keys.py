"""Every use of chance has its own key."""

import jax
import numpy as np

from jaxfr.training.keys import Purpose, key_for


def test_every_purpose_and_round_has_its_own_key():
    keys = [
        tuple(jax.random.key_data(key_for(jax.random.key(seed), purpose, number)))
        for seed in (0, 1)
        for purpose in Purpose.__members__.values()
        for number in range(3)
    ]
    assert (
        len({tuple(map(int, key)) for key in keys}) == 2 * len(Purpose.__members__) * 3
    )


def test_what_is_drawn_before_training_is_drawn_in_round_zero():
    key = jax.random.key(5)
    first, second = key_for(key, Purpose.NEGATIVES), key_for(key, Purpose.NEGATIVES, 0)
    np.testing.assert_array_equal(
        jax.random.key_data(first), jax.random.key_data(second)
    )
