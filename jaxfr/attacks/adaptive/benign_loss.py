"""Which change of each item costs benign clients most: the derivative of their loss."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.recommendation.fake_profiles import NEEDS
from jaxfr.blocks import fold_in_blocks, members_per_block
from jaxfr.devices import for_own_part, sum_over_devices
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads, item_sums

LossName = Annotated[
    Literal["training", "ranking"],
    "training: the clients' own, on their pairs (Eq. 4); ranking: of what each holds "
    "against all that it does not hold, for models that work pair by pair.",
]


def needs_of(loss: LossName) -> tuple[str, ...]:
    """What a model must have, see ``LimitedAttack.needs``."""
    return NEEDS if loss == "ranking" else ()


def loss_gradient(loss: LossName, benign: Uploads) -> Float[Array, "m d"]:
    """``G_j = dL/dv_j`` of all benign clients' loss L, from what they uploaded.

    An item that the server moves by ``D_j`` costs them ``<G_j, D_j>``, to first order.
    Of the loss that they train on it is ``s_j``, the sum of item j's benign rows.
    """
    return item_sums(benign) if loss == "training" else _ranking_gradient(benign)


def ranking_loss(scores: Float[Array, " m"], held: Bool[Array, " m"]) -> Array:
    """One client's ``sum over held j of ln(1 + sum over other k of exp(x_k - x_j))``.

    The BPR loss with all items that it does not hold, together, in the place of the
    drawn one: held items lose where any other comes near the top of the list.
    """
    others = jax.nn.logsumexp(scores, where=~held)
    return jnp.sum(jnp.where(held, jax.nn.softplus(others - scores), 0.0))


def held_items(benign: Uploads) -> Bool[Array, "vectors m"]:
    """The items whose scores the client of each vector wants to be higher.

    A row of matrix factorisation is ``g_j u + lambda v_j`` with g_j below 0 for what
    the client holds.
    """
    of_rows = jnp.repeat(benign.vector, benign.rows_per_bundle)
    wanted = (benign.weight > 0) & (benign.scale < 0.0)
    held = jnp.zeros((benign.vectors.shape[0], benign.num_items), bool)
    return held.at[of_rows, benign.item].max(wanted)


def _ranking_gradient(benign: Uploads) -> Float[Array, "m d"]:
    """The sum over clients of ``dL_i/dx_ij u_i``; vectors are user embeddings u."""
    items = for_own_part(benign.item_embeddings)
    total = jnp.zeros_like(items)
    if benign.vectors.shape[0] == 0:
        return sum_over_devices(total)

    def add(total: Array, present: Array, users: Array, held: Array) -> Array:
        slopes = jax.vmap(jax.grad(ranking_loss))(users @ items.T, held)
        return total + jnp.where(present[:, None], slopes, 0.0).T @ users

    block = members_per_block(benign.num_items)
    found = fold_in_blocks(add, total, block, benign.vectors, held_items(benign))
    return sum_over_devices(found)
