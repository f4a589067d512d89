"""What a client does to its gradients before it uploads them, to keep its data private.

Source: Wu et al., "FedGNN: federated graph neural network for privacy-preserving
recommendation", 2021 (arXiv 2102.04925): pseudo interacted items, which hide which
items a user holds, and local differential privacy.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.models.base import ClientGradient
from jaxfr.models.batch import Batch
from jaxfr.shapes import Bool, Float, Int


class Privacy(NamedTuple):
    """How a round's uploads are protected.

    Attributes:
        key: the round's random key; each client uses its own child of it.
        clip: delta, the largest absolute number of a gradient, scalar; None without
            local differential privacy.
        noise: scale lambda of the Laplace noise, scalar.
    """

    key: Array
    clip: Array | None
    noise: Array


def protect(
    privacy: Privacy,
    client: Int[Array, ""],
    gradient: ClientGradient,
    items: Float[Array, "items d"],
    batch: Batch,
) -> ClientGradient:
    """One client's gradients as it uploads them.

    Args:
        gradient: what it computed; the part of its own embedding stays as it is, since
            that is not uploaded.
    """
    pseudo_key, rows_key, weights_key = jax.random.split(
        jax.random.fold_in(privacy.key, client), 3
    )
    rows = gradient.scale[:, None] * gradient.vectors[gradient.vector]
    rows += gradient.item_scale[:, None] * items
    paired = batch.num_paired
    pseudo = pseudo_rows(
        pseudo_key, rows[:paired], batch.present[:paired], rows.shape[0] - paired
    )
    rows, weights = jnp.concatenate([rows[:paired], pseudo]), gradient.weights
    if privacy.clip is not None:
        rows = perturb(rows_key, rows, privacy.clip, privacy.noise)
        leaves, structure = jax.tree.flatten(weights)
        weights = jax.tree.unflatten(
            structure,
            [
                perturb(
                    jax.random.fold_in(weights_key, place),
                    leaf,
                    privacy.clip,
                    privacy.noise,
                )
                for place, leaf in enumerate(leaves)
            ],
        )
    number = rows.shape[0]
    return gradient._replace(
        vectors=rows,
        vector=jnp.arange(number, dtype=jnp.int32),
        scale=jnp.ones(number),
        item_scale=jnp.zeros(number),
        weights=weights,
    )


def pseudo_rows(
    key: Array,
    rows: Float[Array, "items d"],
    present: Bool[Array, " items"],
    count: int,
) -> Float[Array, "count d"]:
    """Gradients for pseudo items, drawn like those of the real ones.

    Each coordinate from the normal law with the mean and the population standard
    deviation that it has over the client's real rows.

    Args:
        count: how many to draw, static.
    """
    real, number = present[:, None], jnp.maximum(jnp.sum(present), 1)
    mean = jnp.sum(jnp.where(real, rows, 0.0), axis=0) / number
    variance = jnp.sum(jnp.where(real, (rows - mean) ** 2, 0.0), axis=0) / number
    drawn = jax.random.normal(key, (count, rows.shape[1]))
    return mean + jnp.sqrt(variance) * drawn


def perturb(key: Array, gradient: Array, clip: Array, noise: Array) -> Array:
    """``clip(g, -delta, delta) + Laplace(0, lambda)``, number by number.

    Each number so satisfies ``2 delta / lambda``-local differential privacy.

    Args:
        clip: delta, positive scalar.
        noise: lambda, scalar; 0 for clipping alone.
    """
    return jnp.clip(gradient, -clip, clip) + noise * jax.random.laplace(
        key, gradient.shape
    )
