"""Item sets of honest clients, copied by those who invert what these items learn."""

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.adaptive.allowance import Length, allowance, sent_rows
from jaxfr.attacks.adaptive.invert import inverted
from jaxfr.attacks.base import AttackState, Knowledge, OmniscientAttack, RoundView
from jaxfr.devices import max_over_devices
from jaxfr.parts import part
from jaxfr.shapes import Bool, Int
from jaxfr.uploads import Uploads


@part
def copied_sets(length: Length = 1.0) -> OmniscientAttack:
    """Each malicious client inverts the items that an honest client sent rows for.

    Before round 0 each draws a benign client, no two of them the same one as long as
    there are enough. In each round it sends ``-tau s_j / |s_j|`` for the items j that
    this client sent a row for, with s_j the sum of item j's benign rows and tau the
    median benign client's mean row norm.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.copied_sets(), benign)
    Array([[[-2.]]], dtype=float32)

    Their item sets are as unlike one another as honest ones, and the clients they copy
    look as suspicious as they do: that is what ``overlap`` goes by. ``clip_adaptive``
    leaves their rows as they are; ``budget`` trusts them as it trusts the copied ones.
    Knows this round's benign rows and which client sent them.

    Source: this project.

    Args:
        length: of the rows, in multiples of tau.
    """

    def upload(
        state: Array, view: RoundView, benign: Uploads
    ) -> tuple[Uploads, AttackState]:
        allowed = allowance(benign, view.benign_clients, length)
        sends = item_sets(benign, state, view.benign_clients) & view.taking_part
        return sent_rows(inverted(benign, allowed.norm), sends, view), state

    return OmniscientAttack(draw_copied, upload)


def draw_copied(key: Array, knowledge: Knowledge) -> Int[Array, " malicious_clients"]:
    """The benign client that each malicious one copies, different ones if there are."""
    copied = jax.random.permutation(key, knowledge.client_activity.size)
    return jnp.resize(copied, (knowledge.malicious_clients,))


def item_sets(
    benign: Uploads, clients: Int[Array, " chosen"], benign_clients: int
) -> Bool[Array, "m chosen"]:
    """The items for which some chosen benign clients sent scattered rows."""
    number = min(clients.size, benign_clients)  # further ones are chosen again
    slot = jnp.full(benign_clients, number).at[clients[:number]].set(jnp.arange(number))
    assert benign.client is not None
    of_rows = slot[jnp.repeat(benign.client, benign.rows_per_bundle)]
    sent = (benign.weight > 0).astype(jnp.int32)
    found = jnp.zeros((benign.num_items, number), jnp.int32)
    found = found.at[benign.item, of_rows].max(sent, mode="drop")
    return jnp.resize(max_over_devices(found).T, (clients.size, benign.num_items)).T > 0
