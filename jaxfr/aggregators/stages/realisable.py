"""Projects what each client sent to what a client of FedMF could have sent."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators.base import ServerView, Stage, stateless_stage
from jaxfr.aggregators.stages.population import share_of
from jaxfr.blocks import add_rows, fold_in_blocks, map_in_blocks, members_per_block
from jaxfr.devices import for_own_part, max_over_devices, sum_over_devices
from jaxfr.parts import part
from jaxfr.ranges import LARGEST
from jaxfr.shapes import Bool, Float
from jaxfr.side_by_side import where_needed
from jaxfr.uploads import ItemTable, Uploads, for_own_rows, rows_of
from jaxfr.uploads.clients import (
    by_bundle,
    client_of_bundles,
    client_of_slots,
    each_client_one_slot,
    rows_by_client,
    sum_by_client,
)
from jaxfr.uploads.norms import row_norm

# Of the power iteration. One is enough for rows of one direction, which are to stay.
STEPS = 3

LARGEST_SCALE = 1e30
"""Coefficients up to it have a sum."""

SCATTERED = "item", "weight", "vector", "scale", "client"


@part
def realisable() -> Stage:
    """Projects each client's rows to the nearest that honest training could send.

    A client of FedMF sends ``r_ij = c_ij u_i + lambda v_j``, in which each pair adds as
    much to the negative item's c as it takes from the positive one's: without
    ``lambda v_j``, which the server knows, its rows are multiples of one vector, and
    they sum up to 0. The nearest such rows are

        ``<y_ij, w_i> w_i``, ``y_ij = r_ij - lambda v_j - mean over j of these``,

    ``w_i`` being the top right singular vector of the matrix of ``y_ij``, found by 3
    steps of the power iteration. Honest rows stay, but for rounding.

    >>> rows = [[[3.0, 0.0]], [[3.0, 0.0]], [[0.0, 9.0]]]  # 3 items, 1 client, d = 2
    >>> rule = fr.chain(fr.aggregators.realisable(), fr.mean())
    >>> fr.aggregate(rule, fr.uploads_of(rows), num_clients=1)[0].rows.round(2)
    Array([[ 1., -3.],
           [ 1., -3.],
           [-2.,  6.]], dtype=float32)

    That ``|c_ij|`` is at most the client's number of pairs with item j bounds nothing:
    only products with u_i are seen, which may be as long as one likes. So goes with a
    bound on lengths behind it, such as ``clip_adaptive``; rows that were scaled before
    hold lambda v_j no longer.

    Rows that are ``c_ij u_i + lambda v_j`` from the start cost a sum of c by client;
    others 5 looks at each row, and where colluders send rows for items of their own, 3
    looks at a row for each of them and each item.

    Broken by rows of one direction that sum up to 0, which is all it asks: pulling some
    items towards a place, and pushing as many away from it. Needs a model that works
    pair by pair, such as fedmf, and no private uploads, whose noise has no such form:
    other experiments are refused.

    Source: this project.
    """

    def project(uploads: Uploads, view: ServerView) -> Uploads:
        uploads = each_client_one_slot(uploads)
        if uploads.item.size == 0:
            return projected(uploads, view)
        return where_needed(
            ~are_as_clients_make_them(uploads, view),
            functools.partial(projected, view=view),
            functools.partial(centred, view=view),
            uploads,
        )

    return stateless_stage(project, sees_clients=True)._replace(needs_pairs=True)


def are_as_clients_make_them(uploads: Uploads, view: ServerView) -> Bool[Array, ""]:
    """Whether scattered rows are ``c_ij u_i + lambda v_j`` already, with any c.

    That is so in every round in which nobody changed them before. A client must have
    one vector, and no row in a table.
    """
    client, number = client_of_bundles(uploads), view.num_clients
    sent = uploads.weight > 0
    shrinking = jnp.where(sent, uploads.item_scale, view.regularization)
    vector = jnp.zeros(number, jnp.int32).at[client].set(uploads.vector)
    others = (vector[client] != uploads.vector) & jnp.any(
        by_bundle(uploads, sent), axis=1
    )
    scattered = rows_by_client(uploads._replace(tables=()), number)
    in_tables = rows_by_client(without_scattered(uploads), number)
    strange = (
        jnp.any(shrinking != view.regularization)
        | jnp.any(jnp.abs(uploads.scale) > LARGEST_SCALE)
        | jnp.any(others)
        | jnp.any((scattered > 0) & (in_tables > 0))
    )
    return max_over_devices(strange.astype(jnp.int32)) == 0


def centred(uploads: Uploads, view: ServerView) -> Uploads:
    """Projects scattered rows that have one direction: their coefficients sum up to 0.

    As :func:`projected` does, without a look at the rows.
    """
    client = client_of_bundles(uploads)
    number, width = view.num_clients, uploads.rows_per_bundle
    scattered = uploads._replace(tables=())
    total = sum_by_client(scattered, (uploads.scale, ()), number)
    mean = total / jnp.maximum(rows_by_client(scattered, number), 1)
    scale = uploads.scale - jnp.repeat(for_own_part(mean)[client], width)
    vectors = jnp.zeros((number, uploads.vectors.shape[1]))
    vectors = vectors.at[client].set(uploads.vectors[uploads.vector])
    return uploads._replace(
        vectors=vectors,
        vector=client,
        scale=scale,
        item_scale=jnp.asarray(view.regularization, jnp.float32),
        tables=projected(without_scattered(uploads), view).tables,
    )


def without_scattered(uploads: Uploads) -> Uploads:
    """The rows of the tables."""
    return uploads._replace(**{name: getattr(uploads, name)[:0] for name in SCATTERED})


def projected(uploads: Uploads, view: ServerView) -> Uploads:
    """Projects whatever rows there are."""
    number, dim = view.num_clients, uploads.item_embeddings.shape[1]
    sent = rows_by_client(uploads, number)

    def add_up(rows: Array, sent: Array) -> Array:
        return jnp.sum(jnp.where(sent[:, None], rows, 0.0), axis=0)

    total = sums_of_scattered(add_up, uploads, view)
    for table in uploads.tables:
        rows = jnp.where(
            table.weight[..., None] > 0, table_rows(uploads, view, table), 0
        )
        total = add_for_senders(total, table, jnp.sum(rows, axis=0))
    mean = total / jnp.maximum(sent, 1)[:, None]
    squares = [squares_of_slots(uploads, view, table, mean) for table in uploads.tables]

    def turn(rows: Array, sent: Array, mean: Array, direction: Array) -> Array:
        centred = jnp.where(sent[:, None], rows - mean, 0.0)
        return (centred @ direction) @ centred

    def step(_: Array, direction: Array) -> Array:
        turned = sums_of_scattered(turn, uploads, view, mean, direction)
        for table, of_slots in zip(uploads.tables, squares, strict=True):
            own = direction[client_of_slots(table)]
            of_slots = jnp.einsum("rde,re->rd", of_slots, own, precision="highest")
            turned = add_for_senders(turned, table, of_slots)
        return share_of(turned, row_norm(turned)[:, None])

    drawn = jax.random.normal(jax.random.key(4), (dim,))
    start = jnp.broadcast_to(drawn, (number, dim))
    direction = jax.lax.fori_loop(0, STEPS, step, start)
    return with_directions(uploads, view, mean, direction)


def sums_of_scattered(
    function: Callable[..., Array],
    uploads: Uploads,
    view: ServerView,
    *of_clients: Float[Array, "clients d"],
) -> Float[Array, "clients d"]:
    """Adds up what a function makes of some scattered rows of a client, for all of its.

    Args:
        function: of rows without the regulariser's part, ``[k, d]``, whether each was
            sent, bool ``[k]``, and what their client has, to ``[d]``.
        uploads: as :func:`each_client_one_slot` makes them.
        view: of the round.
        *of_clients: what each client has.
    """
    width, dim = uploads.rows_per_bundle, uploads.item_embeddings.shape[1]
    own, of_own = for_own_rows(uploads), tuple(map(for_own_part, of_clients))
    total = jnp.zeros((view.num_clients, dim))

    def add(total: Array, present: Array, bundle: Array, client: Array) -> Array:
        index = bundle[:, None] * width + jnp.arange(width)
        sent = present[:, None] & (uploads.weight[index] > 0)
        leaves = (leaf[client] for leaf in of_own)
        found = jax.vmap(function)(scattered_rows(own, view, index), sent, *leaves)
        return add_rows(total, client, found)

    if uploads.item.size > 0:
        block = members_per_block(width * dim)
        bundles = jnp.arange(uploads.vector.size), client_of_bundles(uploads)
        total = fold_in_blocks(add, total, block, *bundles)
    return sum_over_devices(total)


def squares_of_slots(
    uploads: Uploads,
    view: ServerView,
    table: ItemTable,
    mean: Float[Array, "clients d"],
) -> Float[Array, "rows_per_item d d"]:
    """Of each slot's rows, less their client's mean, the matrix of squares ``Y'Y``."""
    rows = table_rows(uploads, view, table) - mean[client_of_slots(table)]
    rows = jnp.where(table.weight[..., None] > 0, rows, 0.0)
    return jnp.einsum("jrd,jre->rde", rows, rows, precision="highest")


def add_for_senders(
    total: Float[Array, "clients d"], table: ItemTable, of_slots: Float[Array, "_ d"]
) -> Float[Array, "clients d"]:
    """Adds to each client what the slots that it sent come to."""
    assert table.senders is not None
    senders = table.senders[0].astype(of_slots.dtype)
    of_senders = jnp.matmul(senders.T, of_slots, precision="highest")
    return total.at[table.client].add(of_senders)


def with_directions(
    uploads: Uploads,
    view: ServerView,
    mean: Float[Array, "clients d"],
    direction: Float[Array, "clients d"],
) -> Uploads:
    """The uploads whose rows are the parts along their client's direction."""
    width, dim = uploads.rows_per_bundle, mean.shape[1]
    own, own_mean = for_own_rows(uploads), for_own_part(mean)
    own_direction = for_own_part(direction)

    def along(bundle: Array, client: Array) -> Array:
        rows = scattered_rows(own, view, bundle * width + jnp.arange(width))
        return (rows - own_mean[client]) @ own_direction[client]

    def project(table: ItemTable) -> ItemTable:
        client = client_of_slots(table)
        rows = table_rows(uploads, view, table) - mean[client]
        factor = jnp.sum(rows * direction[client], axis=-1, keepdims=True)
        shrinking = view.regularization * uploads.item_embeddings[:, None]
        return table._replace(rows=factor * direction[client] + shrinking)

    scale = uploads.scale
    if uploads.item.size > 0:
        block = members_per_block(width * dim)
        bundles = jnp.arange(uploads.vector.size), client_of_bundles(uploads)
        scale = map_in_blocks(along, block, *bundles).reshape(-1)
    return uploads._replace(
        vectors=own_direction,
        vector=uploads.client,
        scale=scale,
        item_scale=jnp.asarray(view.regularization, jnp.float32),
        tables=tuple(map(project, uploads.tables)),
    )


def scattered_rows(uploads: Uploads, view: ServerView, index: Array) -> Array:
    """The scattered rows at these places without ``lambda v_j``."""
    embeddings = uploads.item_embeddings[uploads.item[index]]
    return clipped(rows_of(uploads, index) - view.regularization * embeddings)


def table_rows(uploads: Uploads, view: ServerView, table: ItemTable) -> Array:
    """A table's rows without ``lambda v_j``."""
    embeddings = uploads.item_embeddings[:, None]
    return clipped(table.rows - view.regularization * embeddings)


def clipped(rows: Array) -> Array:
    """The same numbers, but for those of which sums of squares are not finite."""
    return jnp.clip(rows, -LARGEST, LARGEST)
