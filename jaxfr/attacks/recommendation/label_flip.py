"""LabelFlip: a fake user who prefers what it has not interacted with."""

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import (
    NEEDS,
    FakeProfile,
    PairsGradient,
    draw_fake_profiles,
    gradient_of_pairs,
    learn,
    profile_pairs,
    swap,
    upload_gradients,
)
from jaxfr.attacks.rows import Scope
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.parts import part
from jaxfr.uploads import Uploads


@part
def label_flip(scope: Scope = "dense") -> LimitedAttack:
    """Uploads the gradient of a fake profile's loss with every pair swapped.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.label_flip()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    With the profile's pairs (j, k), the loss of a client with embedding u is
    ``-sum ln sigma(u.v_k - u.v_j) + (lambda/2) (|u|^2 + sum over the pairs' distinct
    items of |v|^2)``. The client trains its embedding on the same loss.

    Source: Tolpegin et al., "Data poisoning attacks against federated learning
    systems", ESORICS 2020, where classes swap their labels.

    Args:
        scope: where it sends; a client has rows for the items of its pairs, and zeros
            elsewhere.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return draw_fake_profiles(key, knowledge)

    def upload(state: FakeProfile, view: RoundView) -> tuple[Uploads, AttackState]:
        items, model = view.item_embeddings, view.task.model

        def one_client(profile: FakeProfile) -> PairsGradient:
            flipped = swap(profile_pairs(profile))
            return gradient_of_pairs(model, profile.embedding, items, flipped)

        block = members_per_block(items.size)
        gradients = map_over_devices(one_client, block, state)
        uploads = upload_gradients(gradients, state.embedding, view, scope)
        trained = learn(state.embedding, gradients.user, view)
        return uploads, state._replace(embedding=trained)

    return LimitedAttack(
        init, upload, _poisoned_items, needs=NEEDS, sends_own_rows=True
    )


def _poisoned_items(state: FakeProfile, knowledge: Knowledge) -> Array:
    """The items of the profiles and their negatives."""
    client = jnp.arange(knowledge.malicious_clients)[:, None]
    return state.holds.at[client, state.negative].max(state.holds)
