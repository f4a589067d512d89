"""Training items that everybody may know of, for attackers who use them."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.devices import sum_over_devices
from jaxfr.sampling import PADDING_ITEM, distinct_ranks
from jaxfr.shapes import Int
from jaxfr.training.layout import Layout


def draw_public_items(
    key: Array, layout: Layout, count: int
) -> Int[Array, "clients public"]:
    """Draws so many training items of each client, uniformly without replacement.

    Args:
        key: random key; a client's draw depends on it and the client only.
        layout: the data.
        count: how many, static.

    Returns:
        Of all clients; ``PADDING_ITEM`` where a client has fewer.
    """
    lists = layout.training_items

    def of_client(client: Array, start: Array, end: Array) -> Array:
        own_key = jax.random.fold_in(key, client)
        rank = distinct_ranks(own_key, jnp.maximum(end - start, count), count)
        item = lists.items.at[start + rank].get(mode="clip")
        return jnp.where(rank < end - start, item, PADDING_ITEM)

    drawn = jax.vmap(of_client)(layout.client_ids, lists.start[:-1], lists.start[1:])
    # Each client is on one device, and filling repeats some client's number.
    own = jnp.where(layout.is_client[:, None], drawn, 0)
    everybody = jnp.zeros((layout.num_clients, count), jnp.int32)
    return sum_over_devices(everybody.at[layout.client_ids].add(own))
