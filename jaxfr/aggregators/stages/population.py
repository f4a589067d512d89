"""What a stage knows of the population: numbers of the clients that took part."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.order_statistics import weighted_median
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads
from jaxfr.uploads.clients import OfRows, map_rows, rows_by_client, sum_by_client


def median_of_clients(
    numbers: Float[Array, " clients"], taking_part: Bool[Array, " clients"]
) -> Float[Array, ""]:
    """The median over the clients that take part; 0 where nobody does.

    Malicious clients are among them: nobody tells the server who they are.
    """
    return weighted_median(numbers, taking_part.astype(jnp.int32))


def share_of(numbers: Array, whole: Array) -> Float[Array, " clients"]:
    """Numbers as shares of a whole, which is 0 only where they are."""
    return numbers / jnp.where(whole > 0, whole, 1)


def median_norm(uploads: Uploads, norms: OfRows, num_clients: int) -> Array:
    """The median over the clients that sent rows of the mean norm of their rows.

    Args:
        uploads: the rows.
        norms: of the rows.
        num_clients: clients that have an id.
    """
    sent = rows_by_client(uploads, num_clients)
    together = sum_by_client(uploads, norms, num_clients)
    return median_of_clients(share_of(together, sent), sent > 0)


def median_row_count(sent: Int[Array, " clients"]) -> Float[Array, ""]:
    """The median of how many rows a client sent, over those that sent any."""
    return median_of_clients(sent.astype(jnp.float32), sent > 0)


def sums_by_client(
    function: Callable[..., list[Array]],
    uploads: Uploads,
    num_clients: int,
    *of_items: Array,
) -> list[Float[Array, " clients"]]:
    """Some numbers of each row, from one look at it, each added up by client.

    Args:
        function: of rows, float32 ``[..., d]``, and of what their items have, to
            numbers ``[...]``.
        uploads: the rows.
        num_clients: clients that have an id.
        *of_items: arrays ``[m, ...]``, of which the function gets that of each row's
            item.
    """

    def side_by_side(*row: Array) -> Array:
        return jnp.stack(function(*row), axis=-1)

    scattered, tables = map_rows(side_by_side, uploads, *of_items)
    return [
        sum_by_client(
            uploads,
            (scattered[..., place], tuple(table[..., place] for table in tables)),
            num_clients,
        )
        for place in range(scattered.shape[-1])
    ]
