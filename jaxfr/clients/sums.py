"""The clients' part of a round where nobody asks for more than sums of their rows.

The sum of all clients' gradients is the gradient of the sum of their losses. Under the
mean that is enough, and neither a row for each client and item nor a gradient of the
shared weights for each client is ever made (:func:`update_in_sums`). The plain form,
which :func:`sum_up` brings to the same, stays for what is not finite, since from a sum
no row can be left out.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.blocks import add_rows, fold_in_blocks, members_per_block, sum_by_index
from jaxfr.clients.graph import all_users, neighbours_of_client
from jaxfr.clients.update import ClientState, WholeClients
from jaxfr.devices import sum_over_devices
from jaxfr.models.base import ClientView, Model, Weights, flatten, unflatten
from jaxfr.models.batch import Batch
from jaxfr.optimizers import learn_rows
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads, item_sums, item_table, row_counts


class Gradients(NamedTuple):
    """Derivatives of the sum of this device's losses, and of how many rows they are.

    Attributes:
        users: each by its own embedding.
        senders: how many clients sent something for each item.
    """

    users: Float[Array, "n d"]
    items: Float[Array, "m d"]
    weights: Weights
    senders: Int[Array, " m"]


def update_in_sums(
    model: Model,
    optimizer: optax.GradientTransformation,
    states: ClientState,
    clients: WholeClients,
    taking_part: Bool[Array, " n"],
    item_embeddings: Float[Array, "m d"],
    regularization: Array,
    weights: Float[Array, "1 w"] | None = None,
) -> tuple[ClientState, Uploads, Uploads | None]:
    """What ``update_by_client`` does without privacy, the uploads in sums.

    Args:
        states: of all clients, leading axis ``[n]``.
        weights: the model's shared weights as one row; None for a model without.

    Returns:
        The new states, and the uploads for the items and for the shared weights: one
        row for each item, the mean of those of all clients, which weighs as many.
    """
    users, table = states.embedding, item_embeddings
    shared = () if weights is None else unflatten(model, weights[0], table.shape[1])
    everybody = all_users(users, clients.neighbours)

    def loss(
        user: Array, items: Array, shared: Weights, pair: Array, batch: Batch
    ) -> Array:
        around = neighbours_of_client(everybody, clients.neighbours, pair, batch.pair)
        view = ClientView(user, items, shared, around)
        return model.loss(view, batch, regularization)

    def add(
        total: Gradients, fresh: Array, client: Array, pair: Array, batch: Batch
    ) -> Gradients:
        acts = fresh & taking_part.at[client].get(mode="fill", fill_value=False)

        def sum_of_losses(users: Array, items: Array, shared: Weights) -> Array:
            each = jax.vmap(loss, (0, 0, None, 0, 0))
            return jnp.sum(jnp.where(acts, each(users, items, shared, pair, batch), 0))

        # Zeros where there is no item, as in the plain form.
        items = jnp.where(batch.present[..., None], table[batch.items], 0.0)
        own = users.at[client].get(mode="clip")
        of_users, of_items, of_weights = jax.grad(sum_of_losses, (0, 1, 2))(
            own, items, shared
        )
        sent = batch.present & acts[:, None]
        of_items = jnp.where(sent[..., None], of_items, 0.0)
        return Gradients(
            total.users.at[client].add(of_users, mode="drop"),
            add_rows(total.items, batch.items, of_items),
            jax.tree.map(jnp.add, total.weights, of_weights),
            total.senders + sum_by_index(sent.astype(int), batch.items, table.shape[0]),
        )

    of_nobody = jax.tree.map(jnp.zeros_like, shared)
    senders = jnp.zeros(table.shape[0], int)
    total = Gradients(jnp.zeros_like(users), jnp.zeros_like(table), of_nobody, senders)
    for group, batch in zip(clients.groups, clients.batches, strict=True):
        block = members_per_block(batch.items.shape[1] * table.shape[1])
        total = fold_in_blocks(add, total, block, group.client, group.pair, batch)

    states = ClientState(*learn_rows(optimizer, *states, total.users, taking_part))
    participants = sum_over_devices(jnp.sum(taking_part, dtype=jnp.int32))
    sums, senders = sum_over_devices(total.items), sum_over_devices(total.senders)
    uploads = _as_one_row(sums, senders, table, participants)
    if weights is None:
        return states, uploads, None
    sums = sum_over_devices(flatten(total.weights))[None]
    return states, uploads, _as_one_row(sums, participants[None], weights, participants)


def sum_up(uploads: Uploads) -> Uploads:
    """The same as one row for each item, the mean of its rows, which weighs as many."""
    sums, count = item_sums(uploads), row_counts(uploads)
    return _as_one_row(sums, count, uploads.item_embeddings, uploads.participants)


def _as_one_row(
    sums: Array, count: Array, table: Array, participants: Array
) -> Uploads:
    rows = sums / jnp.maximum(count, 1)[:, None]
    return item_table(rows[:, None], count[:, None], table, participants)
