"""Random keys by purpose, so that one use of chance never shifts another."""

import enum

import jax
from jax import Array


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


def key_for(key: Array, purpose: Purpose, round_number: Array | int = 0) -> Array:
    """Derives the key of one purpose in one round from a run's key."""
    return jax.random.fold_in(jax.random.fold_in(key, purpose), round_number)
