"""No attack: the clean run."""

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import (
    AttackState,
    Knowledge,
    LimitedAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.parts import part
from jaxfr.uploads import Uploads, item_table

CLEAN = "none"
"""The name under which runs without any attack go, in flags and in records."""

CLEAN_RUN = "clean"
"""What such a run is called in all that is shown."""


@part
def none() -> LimitedAttack:
    """Malicious clients, if there are any, upload nothing.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.none()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 0, 1)
    """
    return LimitedAttack(draws_nothing, _upload, _poisoned_items)


def _upload(state: AttackState, view: RoundView) -> tuple[Uploads, AttackState]:
    num_items, dim = view.item_embeddings.shape
    nobody = jnp.zeros((), jnp.int32)
    rows = jnp.zeros((num_items, 0, dim), view.item_embeddings.dtype)
    weight = jnp.zeros((num_items, 0), jnp.int32)
    senders = jnp.zeros((1, 0, view.taking_part.size), bool)
    return item_table(rows, weight, view.item_embeddings, nobody, senders), state


def _poisoned_items(state: AttackState, knowledge: Knowledge) -> Array:
    del state
    shape = knowledge.malicious_clients, knowledge.item_popularity.size
    return jnp.zeros(shape, bool)
