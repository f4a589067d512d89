"""Random keys by purpose, so that one use of chance never shifts another."""

import enum

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxfr.errors import InvalidInputError
from jaxfr.ranges import SEED, check_number
from jaxfr.sampling import KEY_KIND


class Purpose(enum.IntEnum):
    """What a key is used for; the numbers are part of a seed's meaning."""

    USER_EMBEDDINGS = 0
    ITEM_EMBEDDINGS = 1
    NEGATIVES = 2
    CANDIDATES = 3
    PARTICIPATION = 4
    ATTACK = 5
    WEIGHTS = 6
    ATTACK_ON_WEIGHTS = 7
    NEIGHBOURS = 8
    PSEUDO_ITEMS = 9
    PRIVACY = 10
    WITHIN_THIRD = 11
    TARGETS = 12
    SERVER_IDS = 13
    PUBLIC_ITEMS = 14


def run_key(seed: int) -> Array:
    """The random key of a seed's run.

    >>> fr.run_key(0).shape
    ()

    Raises:
        InvalidInputError: if the seed has more bits than a key takes in.
    """
    check_number("seed", seed, SEED)
    # As jax.random.key makes one, without compiling a program for it.
    bits = jax.device_put(np.array([0, seed], np.uint32))
    return jax.random.wrap_key_data(bits, impl=KEY_KIND)


def check_key(key: Array) -> None:
    """Refuses a key of another kind, with which the same seed means other numbers.

    Raises:
        InvalidInputError: if it is one.
    """
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        kind = f"of type {key.dtype}"
    else:
        kind = str(jax.random.key_impl(key))
    if kind != KEY_KIND:
        raise InvalidInputError(
            f"key: is {kind}; must be jax.random.key(seed, impl={KEY_KIND!r})"
        )


def key_for(key: Array, purpose: Purpose, round_number: Array | int = 0) -> Array:
    """Derives the key of one purpose in one round from a run's key."""
    return jax.random.fold_in(jax.random.fold_in(key, purpose), round_number)
