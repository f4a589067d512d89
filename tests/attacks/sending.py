"""What an attack uploads, made in one go and read as NumPy arrays."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxfr.attacks import Attack
from jaxfr.attacks.base import AttackState, malicious_uploads
from jaxfr.parts import Part
from jaxfr.uploads import Uploads
from tests.attacks.known import view_of
from tests.attacks.scopes import EVERYONE, knowledge, no_server


class OneRow(NamedTuple):
    """What all malicious clients send alike.

    Attributes:
        rows: float64 ``[m, d]``.
        weight: how many send it, ``[m]``.
        participants: malicious clients that took part.
    """

    rows: np.ndarray
    weight: np.ndarray
    participants: int


@jax.jit
def _upload(
    attack: Part[Attack], acting: jax.Array, benign: Uploads
) -> tuple[Uploads, AttackState]:
    made = attack.make()
    state = made.init(jax.random.key(0), knowledge(acting.size))
    view = view_of(benign.item_embeddings, acting)
    return malicious_uploads(made, state, view, benign, no_server)


def send_one_row(
    attack: Part[Attack], benign: Uploads, acting: np.ndarray = EVERYONE
) -> OneRow:
    """What they send in round 0, of which there is one row for each item."""
    uploads, _ = _upload(attack, jnp.asarray(acting), benign)
    (table,) = uploads.tables
    assert uploads.item.size == 0
    assert table.rows.shape[1] == 1
    np.testing.assert_array_equal(table.senders, acting[None, None])
    rows = np.asarray(table.rows[:, 0], np.float64)
    return OneRow(rows, np.asarray(table.weight[:, 0]), int(uploads.participants))
