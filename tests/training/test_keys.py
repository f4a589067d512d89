"""Every use of chance has its own key."""

import jax
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.sampling import KEY_KIND
from jaxfr.training.keys import Purpose, check_key, key_for, run_key


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


def test_every_seed_has_a_key_of_its_own():
    seeds = (0, 1, 2**31 - 1, 2**31, 2**32 - 1)
    keys = {tuple(jax.random.key_data(run_key(seed)).tolist()) for seed in seeds}
    assert len(keys) == len(seeds)
    for seed in seeds:
        assert run_key(seed) == jax.random.key(seed, impl=KEY_KIND)
    for seed in (-1, 2**32, 2**63, 10**30):
        with pytest.raises(InvalidInputError, match=f"^seed={seed}: must be"):
            run_key(seed)


def test_keys_of_another_kind_are_refused():
    key = jax.random.key(0, impl=KEY_KIND)
    check_key(key)
    jax.jit(check_key)(key)
    for other in (jax.random.key(0, impl="rbg"), jax.random.PRNGKey(0)):
        with pytest.raises(InvalidInputError, match=r"^key: is .*must be"):
            check_key(other)
        with pytest.raises(InvalidInputError, match=r"^key: is .*must be"):
            jax.jit(check_key)(other)
