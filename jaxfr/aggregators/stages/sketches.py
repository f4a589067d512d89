"""Sketches of what clients sent: few numbers for each, whose products tell the same.

Items are drawn into columns with signs, and what a client sent for the items of one
column is added up (a count sketch with one row, Charikar et al. 2002). Products of
sketches are right on average; where there is a column for each item they are exact.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.stages.population import share_of
from jaxfr.blocks import add_rows, fold_in_blocks, members_per_block
from jaxfr.devices import for_own_part, sum_over_devices
from jaxfr.errors import InvalidInputError
from jaxfr.ranges import LARGEST
from jaxfr.shapes import Float, Int
from jaxfr.uploads import ItemTable, Uploads, for_own_rows, rows_of
from jaxfr.uploads.clients import client_of_bundles
from jaxfr.uploads.norms import row_norm

# Of the power iteration: far more than it takes where attackers stand out.
STEPS = 16


class ItemColumns(NamedTuple):
    """Where each item stands in sketches, and with what sign."""

    column: Int[Array, " m"]
    sign: Float[Array, " m"]
    number: int


def identity_columns(num_items: int) -> ItemColumns:
    """A column for each item."""
    return ItemColumns(jnp.arange(num_items), jnp.ones(num_items), num_items)


def drawn_columns(key: Array, num_items: int, number: int) -> ItemColumns:
    """Items drawn into columns, with drawn signs.

    Products of sketches have a deviation of ``number^(-1/2)`` for vectors of one number
    for each item, of length 1 at most.
    """
    drawn = jax.random.randint(key, (num_items,), 0, 2 * number)
    return ItemColumns(drawn // 2, 1.0 - 2.0 * (drawn % 2), number)


def client_sketches(
    uploads: Uploads, columns: int, num_clients: int
) -> Float[Array, "clients numbers"]:
    """What each client sent, all of it, in ``columns`` times d numbers; 0 for nothing.

    The k-th number of column b is the sum of ``s_j s_jk r_ijk`` over the items j in it,
    with signs drawn once for all runs. Products of two clients' sketches are those of
    their uploads, with a deviation of ``(columns d)^(-1/2)`` times their lengths, and
    exact where there are no more items than columns. Nothing is differentiated by them,
    and numbers of more than 1e15 count as that, so that all sums are finite.
    """
    num_items, dim = uploads.item_embeddings.shape
    column_key, sign_key = jax.random.split(jax.random.key(2))
    items = identity_columns(num_items)
    if columns < num_items:
        items = drawn_columns(column_key, num_items, columns)
    signs = jax.random.rademacher(sign_key, (num_items, dim), jnp.float32)

    def signed(rows: Array, signs: Array) -> Array:
        return signs * jnp.clip(rows, -LARGEST, LARGEST)

    found = sums_in_columns(signed, uploads, items, num_clients, signs)
    return jax.lax.stop_gradient(found.reshape(num_clients, -1))


def numbers_in_sketch(columns: int, num_items: int, dim: int) -> int:
    """How many numbers :func:`client_sketches` makes of what a client sent."""
    return min(columns, num_items) * dim


def unit_vectors(vectors: Float[Array, "n k"]) -> Float[Array, "n k"]:
    """The vectors at length 1; 0 where they are."""
    return share_of(vectors, row_norm(vectors)[:, None])


def shortened(vectors: Float[Array, "n k"]) -> Float[Array, "n k"]:
    """The vectors in such a unit that the largest number is 1: all squares exist."""
    return share_of(vectors, jnp.max(jnp.abs(vectors)))


def about_their_mean(
    vectors: Float[Array, "n k"], weight: Float[Array, " n"]
) -> Float[Array, "n k"]:
    """The vectors without their weighted mean."""
    return vectors - share_of(weight @ vectors, jnp.sum(weight))


def top_direction(
    centred: Float[Array, "n k"], weight: Float[Array, " n"]
) -> Float[Array, " k"]:
    """The direction in which weighted vectors vary most, of length 1; 0 for none.

    The eigenvector of ``sum w x x'``, by 16 steps of the power iteration from a drawn
    vector.
    """
    start = jax.random.normal(jax.random.key(3), centred.shape[1:])

    def step(_: Array, direction: Array) -> Array:
        turned = (weight * (centred @ direction)) @ centred
        return share_of(turned, row_norm(turned))

    return jax.lax.fori_loop(0, STEPS, step, start)


def sums_in_columns(
    function: Callable[..., Array],
    uploads: Uploads,
    columns: ItemColumns,
    num_clients: int,
    *of_items: Array,
) -> Float[Array, "clients columns numbers"]:
    """Adds up some numbers of each row by its client, and the column of its item.

    A row that several malicious clients sent is added for each of them.

    Args:
        function: of rows, float32 ``[..., d]``, and of what their items have, to
            numbers ``[..., numbers]``.
        uploads: the rows, whose clients are known.
        columns: of items.
        num_clients: clients that have an id.
        *of_items: arrays ``[m, ...]``, of which the function gets that of each row's
            item.

    Raises:
        InvalidInputError: if it is not known who sent the rows.
    """
    number = columns.number
    no_row = uploads.vectors[:0], *(leaf[:0] for leaf in of_items)
    width = function(*no_row).shape[-1]
    total = jnp.zeros((num_clients * number, width))
    if uploads.item.size > 0:
        total = _add_scattered(function, uploads, columns, total, *of_items)
    found = sum_over_devices(total).reshape(num_clients, number, width)
    for table in uploads.tables:
        leaves = (leaf[:, None] for leaf in of_items)
        numbers = columns.sign[:, None, None] * function(table.rows, *leaves)
        found = found.at[table.client].add(_sums_of_table(table, columns, numbers))
    return found


def _add_scattered(
    function: Callable[..., Array],
    uploads: Uploads,
    columns: ItemColumns,
    total: Array,
    *of_items: Array,
) -> Array:
    own, of_own = for_own_rows(uploads), tuple(map(for_own_part, of_items))
    client, width = client_of_bundles(uploads), uploads.rows_per_bundle

    def add(total: Array, present: Array, row: Array) -> Array:
        item = uploads.item[row]
        numbers = function(rows_of(own, row), *(leaf[item] for leaf in of_own))
        sent = present & (uploads.weight[row] > 0)
        numbers = jnp.where(sent[:, None], columns.sign[item][:, None] * numbers, 0.0)
        place = client[row // width] * columns.number + columns.column[item]
        return add_rows(total, place, numbers)

    block = members_per_block(uploads.vectors.shape[1])
    return fold_in_blocks(add, total, block, jnp.arange(uploads.item.size))


def _sums_of_table(
    table: ItemTable, columns: ItemColumns, numbers: Float[Array, "m rows_per_item w"]
) -> Float[Array, "clients columns w"]:
    """Of each of a table's clients."""
    if table.senders is None or table.client is None:
        raise InvalidInputError("attack: does not say which client sent a row")
    (num_items, rows, width), clients = numbers.shape, table.client.size
    if rows * clients == 0:
        return jnp.zeros((clients, columns.number, width))
    sent = jnp.where((table.weight > 0)[..., None], numbers, 0.0)
    senders = table.senders.astype(jnp.float32)
    if senders.shape[0] == 1:
        # Who sends is the same for all items, which are summed first: that is less.
        total = jnp.zeros((columns.number, rows * width))
        total = add_rows(total, columns.column, sent.reshape(num_items, -1))
        of_rows = total.reshape(columns.number, rows, width)
        return jnp.einsum("rc,brw->cbw", senders[0], of_rows, precision="highest")

    def add(
        total: Array, present: Array, column: Array, sent: Array, senders: Array
    ) -> Array:
        senders = senders * present[:, None, None]
        of_clients = jnp.einsum("jrc,jrw->jcw", senders, sent, precision="highest")
        return add_rows(total, column, of_clients.reshape(column.size, -1))

    total = jnp.zeros((columns.number, clients * width))
    block = members_per_block(clients * width)
    total = fold_in_blocks(add, total, block, columns.column, sent, senders)
    return total.reshape(columns.number, clients, width).swapaxes(0, 1)
