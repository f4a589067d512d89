"""What all targeted attacks share: rows for the targets that users would send.

A user p who wants item v has the loss ``-ln sigma(p . v)``, that of a label 1.

The released code of PIECK and A-hum sums up what clients upload, and every loss is a
mean over the labels of a client: a benign client's derivatives are divided by its
hundreds of positives and negatives, a malicious client's by the number of targets. Here
benign rows are derivatives of a sum and the server may average. What carries over is
the proportion of the two, ``labels / targets``, which rows are multiplied by: 42 on
ML-100K with five targets. Rows of the plain derivative are lost among those of the
clients that happen to have the target as a negative.
"""

from typing import Annotated

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, RoundView
from jaxfr.attacks.rows import same_rows
from jaxfr.parts import Number
from jaxfr.ranges import AMOUNT
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads

Strength = Annotated[Number, AMOUNT]


def pull(
    users: Float[Array, "users d"], item: Float[Array, " d"]
) -> Float[Array, " d"]:
    """Derivative by v of the mean loss of users who want it.

    ``-(1/U) sum over users p of (1 - sigma(p . v)) p``.
    """
    return -jnp.mean(jax.nn.sigmoid(-users @ item)[:, None] * users, axis=0)


def after_wanting(
    user: Float[Array, " d"],
    items: Float[Array, "targets d"],
    learning_rate: Array | float,
) -> Float[Array, " d"]:
    """A user after a step down the sum of its losses, of whom it wants these items."""
    return user + learning_rate * jax.nn.sigmoid(-items @ user) @ items


def labels_of_client(knowledge: Knowledge) -> Float[Array, ""]:
    """How many positives and negatives a benign client has on average."""
    return 2 * jnp.mean(knowledge.client_activity.astype(jnp.float32))


def averaged_loss(knowledge: Knowledge) -> Float[Array, ""]:
    """How many times the sum's derivative a malicious row is, next to benign ones.

    Where all losses are means over a client's labels, as in that code, a benign
    client divides its rows by the number of its positives and negatives, and a
    malicious one by that of the targets.
    """
    return labels_of_client(knowledge) / max(knowledge.targets.size, 1)


def send_to_targets(
    rows: Float[Array, "targets d"], targets: Int[Array, " targets"], view: RoundView
) -> Uploads:
    """All malicious clients send each target its row, and other items none."""
    table = jnp.zeros_like(view.item_embeddings).at[targets].set(rows)
    chosen = are_targets(targets, table.shape[0])
    return same_rows(table, view, chosen)


def are_targets(targets: Int[Array, " targets"], num_items: int) -> Bool[Array, " m"]:
    """Whether each item is a target."""
    return jnp.zeros(num_items, bool).at[targets].set(True)


def poisons_targets(state: AttackState, knowledge: Knowledge) -> Array:
    """``PoisonedItems`` of a targeted attack."""
    del state
    chosen = are_targets(knowledge.targets, knowledge.item_popularity.size)
    return jnp.broadcast_to(chosen, (knowledge.malicious_clients, chosen.size))
