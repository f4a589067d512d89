"""Uploads of colluding clients that all send the same row of an item."""

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import RoundView
from jaxfr.uploads import Uploads, item_table


def same_rows(rows: Array, view: RoundView, items: Array | None = None) -> Uploads:
    """One row for each item, which every malicious client sends that acts.

    It costs one row, whatever their number, and counts as many.

    Args:
        rows: of each item, float32 ``[m, d]``.
        view: of the round.
        items: which of them are sent, bool ``[m]``; None for all.
    """
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    sent = jnp.ones(rows.shape[0], bool) if items is None else items
    return item_table(
        rows[:, None],
        (acting * sent)[:, None],
        view.item_embeddings,
        acting,
        senders=view.taking_part[None, None],
    )
