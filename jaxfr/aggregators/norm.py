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
from jaxfr.uploads.clients import OfRows, scale_rows
from jaxfr.uploads.norms import row_norms

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
        return clip_rows(uploads, row_norms(uploads), largest)

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


def clip_rows(uploads: Uploads, norms: OfRows, clip_norm: Float[Array, ""]) -> Uploads:
    """Scales each row, whose norm is given, to a norm of at most ``clip_norm``."""
    factor = functools.partial(factor_to_norm, clip_norm)
    return scale_rows(uploads, jax.tree.map(factor, norms))


@jax.custom_jvp
def factor_to_norm(
    clip_norm: Float[Array, ""], norm: Float[Array, "..."]
) -> Float[Array, "..."]:
    """The factor that scales rows of these norms to at most ``clip_norm``.

    It is exactly 1 where nothing is cut. The derivative of ``c / n`` is that of its
    logarithm, ``dc / c - dn / n``, times the factor; a row that stays as it is has
    factor 1 near by, too.

    Args:
        clip_norm: the largest norm c, positive.
        norm: of the rows.
    """
    too_long = norm > clip_norm
    return jnp.where(too_long, clip_norm / jnp.where(too_long, norm, 1.0), 1.0)


@factor_to_norm.defjvp
def _while_clipped(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    clip_norm, norm = primals
    factor = factor_to_norm(clip_norm, norm)
    clipped = norm > clip_norm
    change = tangents[0] / clip_norm - tangents[1] / jnp.where(clipped, norm, 1.0)
    return factor, jnp.where(clipped, factor * change, 0.0)
