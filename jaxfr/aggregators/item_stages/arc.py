"""Norm clipping at a norm that the rows of an item decide."""

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, item_wise
from jaxfr.aggregators.changed_rows import change_items
from jaxfr.aggregators.norm import factor_to_norm
from jaxfr.aggregators.order_statistics import computed_once, kth_smallest
from jaxfr.aggregators.trimmed_mean import floor_of_ratio
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.norms import row_norm

SMALLEST_NORM = float(jnp.finfo(jnp.float32).tiny)
LARGEST_NORM = float(jnp.finfo(jnp.float32).max)


@part
def arc() -> Stage:
    """Scales the k longest of an item's n rows to the norm of the next one.

    With n~ of them expected to be Byzantine, ``k = floor(2 n~ (n - n~) / n)``. More
    than half of the rows count as half of them, so that k is at most n / 2.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> rule = fr.chain(fr.aggregators.arc(), fr.mean())
    >>> fr.aggregate(rule, uploads, expected_byzantine=1)[0].rows
    Array([[1.6666666]], dtype=float32)

    Costs the norms of the rows and a search among those of an item, and as much memory
    as the rows' numbers.

    Broken by rows that are no longer than honest ones, which all of Spattack's can be.
    It bounds no count, so where malicious rows outnumber honest ones it is they that
    say how long rows may be.

    Source: Allouah et al., "Adaptive gradient clipping for robust federated learning",
    ICLR 2025 (adaptive robust clipping).
    """

    def clip(uploads: Uploads, view: ServerView) -> Uploads:
        unit = uploads.client_weight

        def change(rows: Array, weight: Array) -> tuple[Array, Array]:
            return clipped_rows(rows, weight, view.expected_byzantine, unit), weight

        return change_items(uploads, change, uploads.item_embeddings.shape[1])

    return item_wise(clip, needs_groups=True, expects_byzantine=True)


def clipped_rows(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    expected_byzantine: Int[Array, ""],
    client_weight: Array | int = 1,
) -> Float[Array, "k d"]:
    """The rows of one item, the longest of them clipped."""
    rows = computed_once(rows, weight)
    norms = computed_once(row_norm(rows), weight)
    count = jnp.sum(weight)
    clients = count // client_weight
    byzantine = jnp.minimum(expected_byzantine, clients // 2)
    most = jnp.maximum(clients, 1)
    longer = floor_of_ratio(2 * byzantine, clients - byzantine, most) * client_weight
    largest = kth_smallest(norms, weight, jnp.maximum(count - longer, 1))
    largest = jnp.where(count > 0, largest, 1.0)
    largest = jnp.clip(largest, SMALLEST_NORM, LARGEST_NORM)
    return rows * factor_to_norm(largest, norms)[:, None]
