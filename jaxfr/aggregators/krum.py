"""Krum: the row that lies closest to most others."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import Rule, ServerView, stateless_rule
from jaxfr.aggregators.by_item import map_items
from jaxfr.aggregators.krum_choice import (
    LEAST_ROWS,
    KrumDistance,
    least_score,
    least_score_of_all,
)
from jaxfr.aggregators.order_statistics import computed_once
from jaxfr.blocks import BLOCK_NUMBERS
from jaxfr.devices import IN_ONE_PART, Join
from jaxfr.parts import part
from jaxfr.platforms import on_cpu
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import weight_of_clients


@part
def krum(krum_distance: KrumDistance = "squared") -> Rule:
    """Selects the row with the smallest sum of distances to its nearest others.

    >>> uploads = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.aggregate(fr.krum(), uploads, expected_byzantine=1)[0].rows
    Array([[2.]], dtype=float32)

    The nearest are ``count - n~ - 2`` rows; where that is less than one,
    ``count - n~``; where that is, too, all others. Ties go to the first row, and so
    does the choice among rows whose sums all overflow.

    Source: Blanchard et al., "Machine learning with adversaries", NeurIPS 2017.

    Args:
        krum_distance: ``squared`` sums squared Euclidean distances, ``plain`` the
            distances themselves.
    """

    def combine(uploads: Uploads, view: ServerView) -> Array:
        expected = weight_of_clients(uploads, view.expected_byzantine)

        def one_item(rows: Array, weight: Array, join: Join) -> Array:
            assert join is IN_ONE_PART
            unit = uploads.client_weight
            return krum_of_item(rows, weight, expected, krum_distance, unit)

        dim = uploads.item_embeddings.shape[1]

        def work_per_row(num_rows: int) -> int:
            # By bounds, each item ends when it is decided, and so stands alone.
            alone = searches_by_bounds(num_rows, dim, krum_distance)
            return BLOCK_NUMBERS if alone else max(num_rows, dim)

        return map_items(uploads, one_item, work_per_row)

    return stateless_rule(combine, needs_groups=True, expects_byzantine=True)


def krum_of_item(
    rows: Float[Array, "k d"],
    weight: Int[Array, " k"],
    expected_byzantine: Int[Array, ""],
    distance: KrumDistance,
    client_weight: Array | int = 1,
) -> Array:
    """Krum's choice among one item's rows, ``[k, d]`` to ``[d]``; 0 for no row.

    Its derivative is that of the chosen row: which it is, is a constant.

    Args:
        distance: see ``krum``.
    """
    rows = computed_once(rows, weight)
    compared = jax.lax.stop_gradient(rows)
    count = jnp.sum(weight)
    # A row's distance to itself, 0, is among the smallest and adds nothing.
    nearest = client_weight + num_neighbours(count, expected_byzantine, client_weight)
    if searches_by_bounds(weight.size, rows.shape[1], distance):
        best = least_score(compared, weight, nearest)
    else:
        best = least_score_of_all(compared, weight, nearest, distance)
    return jnp.where(count > 0, rows[best], 0.0)


def searches_by_bounds(num_rows: int, dim: int, distance: KrumDistance) -> bool:
    """Whether an item's rows are left out by bounds.

    A GPU was not measured with it; few rows are sooner compared than bounded, whose
    bounds cost the square of the dimension each; and they are of squared distances.
    """
    return on_cpu() and distance == "squared" and num_rows >= max(LEAST_ROWS, dim)


def num_neighbours(
    count: Array, expected_byzantine: Array, client_weight: Array | int = 1
) -> Int[Array, ""]:
    """How many nearest rows Krum sums over, by their weight."""
    strict = count - expected_byzantine - 2 * client_weight
    loose = count - expected_byzantine
    others = count - client_weight
    least = jnp.where(loose >= client_weight, loose, others)
    wanted = jnp.where(strict >= client_weight, strict, least)
    return jnp.clip(wanted, 0, jnp.maximum(others, 0))
