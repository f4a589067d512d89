"""Rows that are clipped around where they pointed before."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.averages import distance, scaled_mean
from jaxfr.aggregators.base import Rule, ServerKnowledge, ServerView
from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.parts import Number, part
from jaxfr.ranges import POSITIVE
from jaxfr.shapes import Float
from jaxfr.uploads import Uploads, row_counts
from jaxfr.uploads.clients import weight_of_clients


@part
def centred_clipping(
    radius: Annotated[Number, POSITIVE] = 1.0,
    divided_by: Literal["received", "all"] = "received",
) -> Rule:
    """``A' + mean of clip(r - A')`` over an item's rows r, clipped to norm at most tau.

    A' is the item's aggregate of the last round in which it received a row, 0 before.

    >>> uploads = fr.uploads_of([[[1.0], [9.0]]])  # 1 item, 2 clients, d = 1
    >>> fr.aggregate(fr.aggregators.centred_clipping(2.0), uploads)[0].rows
    Array([[1.5]], dtype=float32)

    Costs a pass over all rows.

    No row moves an item's aggregate by more than tau over the number of rows, but in
    every round again: attackers who stay within tau of the anchor and push the same
    way carry it off (anchor drift). Broken at once where they are as many as the
    honest rows; where the aggregate shrinks as training goes on, an anchor that they
    hold at 0 looks like convergence. Where tau is below the length of honest rows,
    training is slow.

    Source: Karimireddy et al., "Learning from history for Byzantine robust
    optimization", ICML 2021, with one step and without the clients' momentum; ``all``
    is this project's.

    Args:
        radius: the largest norm tau of a row's difference from A'.
        divided_by: the sum of the clipped differences, by the rows ``received``, or by
            ``all`` clients that took part: absent ones then leave A' where it was, and
            few rows move it little.
    """

    def init(knowledge: ServerKnowledge) -> Float[Array, "m d"]:
        return jnp.zeros((knowledge.num_items, knowledge.embedding_dim))

    def update(
        anchor: Float[Array, "m d"], uploads: Uploads, view: ServerView
    ) -> tuple[Array, Float[Array, "m d"]]:
        del view
        largest = jnp.asarray(radius, jnp.float32)

        def clip(rows: Array, anchors: Array) -> Array:
            return factor_to_norm(largest, distance(rows, anchors))

        found = scaled_mean(uploads, clip, anchor)
        moved = found.rows - found.factors[:, None] * anchor
        received = row_counts(uploads)[:, None]
        if divided_by == "all":
            everybody = weight_of_clients(uploads, uploads.participants)
            moved *= received / jnp.maximum(jnp.maximum(everybody, received), 1)
        after = jnp.where(received > 0, anchor + moved, anchor)
        return jnp.where(received > 0, after, 0.0), after

    return Rule(init, update)
