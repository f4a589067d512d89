"""Norm clipping, which composes with every rule."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Transform
from jaxfr.uploads import Uploads, rows_of


def clip_by_norm(clip_norm: Array | float) -> Transform:
    """Scales each row to a Euclidean norm of at most ``clip_norm``.

    A row more than 8e37 times as long becomes zero: float32 has no smaller factor.

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest norm c, positive scalar.
    """

    def transform(uploads: Uploads) -> Uploads:
        rows = rows_of(uploads, jnp.arange(uploads.item.size))
        # Two steps, so that squares of large rows do not overflow.
        largest = jnp.max(jnp.abs(rows), axis=1)
        unit = rows / jnp.where(largest > 0.0, largest, 1.0)[:, None]
        norm = largest * jnp.sqrt(jnp.sum(unit * unit, axis=1))
        factor = jnp.minimum(1.0, clip_norm / jnp.where(norm > 0.0, norm, 1.0))
        return uploads._replace(
            scale=uploads.scale * factor, item_scale=uploads.item_scale * factor
        )

    return transform
