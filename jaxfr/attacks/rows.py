"""Which rows malicious clients send: all the same one, or each its own."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import (
    AttackState,
    Knowledge,
    OmniscientAttack,
    RoundView,
    draws_nothing,
)
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads, item_statistics, item_table, row_counts
from jaxfr.uploads.norms import row_norm

Scope = Annotated[
    Literal["dense", "sparse"],
    "dense: those of all clients, zeros for clients that sent an item nothing, and "
    "malicious rows for every item; sparse: those that were received, and malicious "
    "rows where there are any.",
]


def same_rows(
    rows: Float[Array, "m d"], view: RoundView, items: Bool[Array, " m"] | None = None
) -> Uploads:
    """One row for each item, which every malicious client sends that acts.

    >>> task = fr.attacks.Task(fr.models.fedmf(2).make(), 0.01, 0.1)
    >>> view = fr.RoundView(jnp.int32(0), jnp.zeros((3, 2)), jnp.ones(4, bool), task)
    >>> fr.row_counts(fr.same_rows(jnp.ones((3, 2)), view))
    Array([4, 4, 4], dtype=int32)

    It costs one row, whatever their number, and counts as many.

    Args:
        view: of the round.
        items: which of them are sent; None for all.
    """
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    sent = jnp.ones(rows.shape[0], bool) if items is None else items
    return item_table(
        rows[:, None],
        (acting * sent)[:, None],
        view.item_embeddings,
        acting,
        senders=view.taking_part[None, None],
    )


def attack_with_one_row(
    rows: Callable[[Uploads], Array], needs_rows: bool = True
) -> OmniscientAttack:
    """All malicious clients send one row for each item that received benign ones.

    Args:
        rows: of all items, float32 ``[m, d]``, from this round's benign uploads.
        needs_rows: see ``OmniscientAttack``.
    """

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        return same_rows(rows(benign), view, row_counts(benign) > 0), state

    return OmniscientAttack(draws_nothing, upload, needs_rows=needs_rows)


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
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        del knowledge
        return key  # is all of the state

    def upload(
        state: AttackState, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        of_items = statistics(benign, counts_absent(scope))
        attacked = attacked_items(scope, row_counts(benign))
        rows = own_rows(draw, state, view, *of_items)
        return send_own_rows(rows, attacked[:, None], view), state

    return OmniscientAttack(init, upload, sends_own_rows=True)


def mean_and_deviation(benign: Uploads, absent_as_zeros: bool) -> tuple[Array, Array]:
    """Of each item's benign rows, float32 ``[m, d]`` both; see ``item_statistics``."""
    found = item_statistics(benign, absent_as_zeros)
    return found.mean, found.deviation


def counts_absent(scope: Scope) -> bool:
    """Whether clients that sent an item nothing are zero rows in its statistics."""
    return scope == "dense"


def attacked_items(scope: Scope, received: Int[Array, " m"]) -> Bool[Array, " m"]:
    """Items that malicious clients send a row for.

    All items in the dense scope; in the sparse one those that a benign client sent a
    row for in this round.
    """
    if scope == "dense":
        return jnp.ones(received.shape, bool)
    return received > 0


def own_rows(
    draw: Callable[..., Array], key: Array, view: RoundView, *of_items: Array
) -> Float[Array, "m malicious_clients d"]:
    """Draws a row for each item and each malicious client, acting or not.

    A draw depends on the key, the round, the client and the item only: neither on how
    much room there is for clients, nor on how many devices share the work.

    Args:
        draw: see ``attack_with_own_rows``.
        *of_items: the items' statistics, each ``[m, ...]``.
    """
    num_items, dim = view.item_embeddings.shape
    clients = jnp.arange(view.taking_part.size)
    round_key = jax.random.fold_in(key, view.round)
    client_keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(round_key, clients)

    def rows_of_item(item: Array, *of_item: Array) -> Array:
        def row_of_client(client_key: Array) -> Array:
            return draw(jax.random.fold_in(client_key, item), *of_item)

        return jax.vmap(row_of_client)(client_keys)

    block = members_per_block(max(clients.size, 1) * dim)
    return map_over_devices(rows_of_item, block, jnp.arange(num_items), *of_items)


def send_own_rows(
    rows: Float[Array, "m malicious_clients d"],
    sends: Bool[Array, "m _"],
    view: RoundView,
) -> Uploads:
    """Uploads in which row i of every item is from malicious client i.

    Args:
        rows: of the clients.
        sends: which of them those that act send.
    """
    weight = (sends & view.taking_part).astype(jnp.int32)
    acting = jnp.sum(view.taking_part, dtype=jnp.int32)
    senders = jnp.eye(view.taking_part.size, dtype=bool)[None]
    return item_table(rows, weight, view.item_embeddings, acting, senders)


def of_length(rows: Float[Array, "*rows d"], norm: Array) -> Array:
    """Rows of the same direction and this norm; zeros stay zeros."""
    own = row_norm(rows)[..., None]
    return norm * rows / jnp.where(own > 0.0, own, 1.0)
