"""What attacks that start from the statistics of an item's benign rows share.

Those are the scope, which says whose rows count and which items are attacked, and, for
attackers that do not all send the same, drawing a row for each client.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.attacks.options import Scope
from jaxfr.blocks import map_in_blocks, members_per_block
from jaxfr.devices import device_index, gather_over_devices, num_devices
from jaxfr.uploads import Uploads, item_table, row_counts


def attack_with_own_rows(
    draw: Callable[..., Array],
    statistics: Callable[[Uploads, bool], tuple[Array, ...]],
    scope: Scope,
) -> OmniscientAttack:
    """Each malicious client draws its own row of each item, anew in each round.

    Args:
        draw: draws one client's row of one item, float32 ``[d]``, from a key and the
            item's statistics.
        statistics: of each item's benign rows, each ``[m, ...]``; is told whether
            participants that sent an item nothing count as zero rows of it.
        scope: of the attack.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del knowledge
        return key  # is all of the state

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        of_items = statistics(benign, counts_absent(scope))
        attacked = attacked_items(scope, row_counts(benign))
        weight = (attacked[:, None] & view.taking_part).astype(jnp.int32)
        participants = jnp.sum(view.taking_part, dtype=jnp.int32)
        rows = own_rows(draw, state, view, *of_items)
        return item_table(rows, weight, view.item_embeddings, participants), state

    return OmniscientAttack(init, upload, poisons_all_items, without_noise)


def counts_absent(scope: Scope) -> bool:
    """Whether clients that sent an item nothing are zero rows in its statistics."""
    return scope == "dense"


def attacked_items(scope: Scope, received: Array) -> Array:
    """Items that malicious clients send a row for, bool ``[m]``.

    All items in the dense scope; in the sparse one those that a benign client sent a
    row for in this round.

    Args:
        scope: of the attack.
        received: benign rows of each item, int32 ``[m]``.
    """
    if scope == "dense":
        return jnp.ones(received.shape, bool)
    return received > 0


def own_rows(
    draw: Callable[..., Array], key: Array, view: RoundView, *of_items: Array
) -> Array:
    """Draws a row for each item and each malicious client, acting or not.

    A draw depends on the key, the round, the client and the item only: neither on how
    much room there is for clients, nor on how many devices share the work.

    Args:
        draw: see ``attack_with_own_rows``.
        key: of the attack.
        view: of the round.
        *of_items: the items' statistics, each ``[m, ...]``.

    Returns:
        float32 ``[m, malicious_clients, d]``.
    """
    num_items, dim = view.item_embeddings.shape
    clients = jnp.arange(view.taking_part.size)
    round_key = jax.random.fold_in(key, view.round)
    client_keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(round_key, clients)

    def rows_of_item(item: Array, *of_item: Array) -> Array:
        def row_of_client(client_key: Array) -> Array:
            return draw(jax.random.fold_in(client_key, item), *of_item)

        return jax.vmap(row_of_client)(client_keys)

    # Each device draws for a share of the items; the last may draw for the last again.
    share = -(-num_items // num_devices())
    own = jnp.minimum(device_index() * share + jnp.arange(share), num_items - 1)
    block = members_per_block(max(clients.size, 1) * dim)
    rows = map_in_blocks(
        rows_of_item, block, own, *(values[own] for values in of_items)
    )
    return gather_over_devices(rows)[:num_items]


def poisons_all_items(state: AttackState, knowledge: Knowledge) -> Array:
    """``PoisonedItems`` where every malicious client may poison all items."""
    del state
    shape = knowledge.malicious_clients, knowledge.item_popularity.size
    return jnp.ones(shape, bool)


def without_noise(state: AttackState) -> None:
    """``UploadedNoise`` of an attack that has no noise matrix."""
    del state
