"""Norm clipping: the stage ``clip_by_norm``, and the paper's rule ``norm``."""

import functools
from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, Stage, chained, row_wise
from jaxfr.aggregators.mean import mean
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import map_rows, row_norm, scale_rows

ClipNorm = Annotated[Number, POSITIVE]


@part
def clip_by_norm(clip_norm: ClipNorm = 1.0) -> Stage:
    """Scales each row to a Euclidean norm of at most ``clip_norm``.

    A row v becomes ``v min(1, c / |v|)``.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.chain(fr.clip_by_norm(1.0), fr.median()), uploads)[0].rows
    Array([[1.]], dtype=float32)

    A row more than 8e37 times as long becomes zero: float32 has no smaller factor.

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest norm c.
    """

    def transform(uploads: Uploads) -> Uploads:
        largest = jnp.asarray(clip_norm, jnp.float32)
        factor = functools.partial(factor_to_norm, largest)
        return scale_rows(uploads, map_rows(factor, uploads))

    return row_wise(transform)


@part
def norm(clip_norm: ClipNorm = 1.0) -> Rule:
    """The mean of rows that are scaled to a norm of at most ``clip_norm``.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.norm(1.0), uploads)[0].rows
    Array([[1.]], dtype=float32)

    Source: Suresh et al., "Can you really backdoor federated learning", 2019.

    Args:
        clip_norm: the largest Euclidean norm c of a row.
    """
    return chained(clip_by_norm(clip_norm).make(), mean().make())


@jax.custom_jvp
def factor_to_norm(clip_norm: Float[Array, ""], rows: Float[Array, "... d"]) -> Array:
    """The factor that scales each row to at most the norm, ``[..., d]`` to ``[...]``.

    The derivative of ``c / |row|`` is that of its logarithm, ``dc / c - row . drow /
    |row|^2``, times the factor; a row that stays as it is has factor 1 near by, too.

    Args:
        clip_norm: the largest norm c, positive.
    """
    return _factor_and_norm(clip_norm, rows)[0]


@factor_to_norm.defjvp
def _while_clipped(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    clip_norm, rows = primals
    factor, norm = _factor_and_norm(clip_norm, rows)
    clipped = factor < 1.0
    norm = jnp.where(clipped, norm, 1.0)[..., None]
    # Divided twice: the square of a large norm overflows.
    along = jnp.sum(rows / norm * (tangents[1] / norm), axis=-1)
    change = tangents[0] / clip_norm - along
    return factor, jnp.where(clipped, factor * change, 0.0)


def _factor_and_norm(clip_norm: Array, rows: Array) -> tuple[Array, Array]:
    norm = row_norm(rows)
    return jnp.minimum(1.0, clip_norm / jnp.where(norm > 0.0, norm, 1.0)), norm
