"""Norm clipping, which composes with every rule."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Stage, row_wise
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import map_rows, row_norm, scale_rows


def clip_by_norm(clip_norm: Array | float) -> Stage:
    """Scales each row to a Euclidean norm of at most ``clip_norm``.

    A row more than 8e37 times as long becomes zero: float32 has no smaller factor.

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest norm c, positive scalar.
    """

    def factor(rows: Array) -> Array:
        """The factor of each row, ``[..., d]`` to ``[...]``."""
        norm = row_norm(rows)
        return jnp.minimum(1.0, clip_norm / jnp.where(norm > 0.0, norm, 1.0))

    def transform(uploads: Uploads) -> Uploads:
        return scale_rows(uploads, map_rows(factor, uploads))

    return row_wise(transform)
