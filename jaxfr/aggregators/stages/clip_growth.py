"""A bound on how much one row lengthens its item's embedding."""

from typing import Annotated

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import map_rows, scale_rows


@part
def clip_growth(limit: Annotated[Number, POSITIVE] = 0.03) -> Stage:
    """Scales each row that lengthens its item's embedding by more than a limit.

    Without the regulariser's part, which the server knows, row ``r_ij`` asks that
    ``|v_j|^2 / 2`` grow by the learning rate times

        ``growth_ij = -<r_ij - lambda v_j, v_j>``,

    and a row of which that is more than ``limit`` becomes ``r_ij limit / growth_ij``.

    >>> uploads = fr.uploads_of([[[-3.0, 5.0]]])._replace(
    ...     item_embeddings=jnp.array([[0.5, 0.0]])
    ... )  # 1 item, 1 client; it grows by 1.5 as it is
    >>> rule = fr.chain(fr.aggregators.clip_growth(0.3), fr.mean())
    >>> fr.aggregate(rule, uploads)[0].rows
    Array([[-0.6,  1. ]], dtype=float32)

    A user who wants an item asks less the more of it there is: of one pair the growth
    is ``x sigma(-x)`` with x the item's score above the other's, at most .28, and
    nearly 0 where the item stands well above. Regularisation undoes ``lambda |v_j|^2``
    of it in each row, so at rest the rows of an item grow by as much as that on
    average, and those of who pushes it past its place by more. Rows that shorten an
    embedding, or turn it, stay as they are: large honest ones are from users who lost
    against the others.

    Knows no population, so nobody moves its threshold. Costs one look at each row and
    one more factor for it; training is slower by what is cut from honest rows early on,
    which a larger server rate makes good.

    Broken by rows that demote items, which it does not see until an embedding has
    turned round; by rows across the embedding, which lengthen it by the square of a
    step only; and by so many clients that their growth within the limit is more than
    honest rows undo.

    What it does to promotion is measured in ``experiments/arena``.

    Source: this project.

    Args:
        limit: of one row's growth.
    """

    def clip(uploads: Uploads, view: ServerView) -> Uploads:
        def factor(row: Array, embedding: Array) -> Array:
            largest = jnp.asarray(limit, jnp.float32)
            grown = growth(row - view.regularization * embedding, embedding)
            return factor_to_norm(largest, grown)

        factors = map_rows(factor, uploads, uploads.item_embeddings)
        return scale_rows(uploads, factors)

    return stateless_stage(clip)


def growth(rows: Array, embeddings: Array) -> Array:
    """``-<row, embedding>``, which is infinite where it overflows, and never no number.

    Args:
        rows: without the regulariser's part, float32 ``[..., d]``.
        embeddings: of their items, broadcast to the same shape.
    """
    largest = jnp.max(jnp.abs(rows), axis=-1)
    # XLA divides by multiplying, and the inverse of the largest numbers is 0 to it.
    divisor = 0.25 * jnp.maximum(largest, 1.0)
    unit = 0.25 * rows / divisor[..., None]
    return -4.0 * divisor * jnp.sum(unit * embeddings, axis=-1)
