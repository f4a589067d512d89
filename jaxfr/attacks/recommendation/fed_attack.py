"""FedAttack: a fake user who trains with the hardest samples, the wrong way round."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import (
    NEEDS,
    FakeProfile,
    ItemPairs,
    PairsGradient,
    draw_fake_profiles,
    gradient_of_pairs,
    learn,
    profile_pairs,
    upload_gradients,
)
from jaxfr.attacks.rows import Scope
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.parts import part
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads


class FedAttackGradients(NamedTuple):
    """What one client computes in a round.

    Attributes:
        poisoned: of the hard pairs' loss, which it uploads.
        by_user: of the profile's loss by the user embedding, which it learns from.
    """

    poisoned: PairsGradient
    by_user: Float[Array, " d"]


def hard_pairs(scores: Float[Array, " m"], count: Int[Array, ""]) -> ItemPairs:
    """Pairs the item scored i-th lowest, as positive, with the i-th highest.

    Items of equal score stand in the order of their numbers.
    """
    ascending = jnp.argsort(scores, stable=True).astype(jnp.int32)
    return ItemPairs(ascending, ascending[::-1], jnp.arange(scores.size) < count)


@part
def fed_attack(scope: Scope = "dense") -> LimitedAttack:
    """Uploads the gradient that lifts the lowest items and sinks the highest.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.fed_attack()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    The loss is that of the model, with as many hard pairs (:func:`hard_pairs`) as the
    client's fake profile has items, L2 terms included. Its embedding, by which items
    are scored, it trains on its profile as a benign client would.

    Source: Wu et al., "FedAttack: Effective and covert poisoning attack on federated
    recommendation via hard sampling", KDD 2022.

    Args:
        scope: where it sends; a client has rows for the items of its pairs, and zeros
            elsewhere.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return draw_fake_profiles(key, knowledge)

    def upload(state: FakeProfile, view: RoundView) -> tuple[Uploads, AttackState]:
        items, model = view.item_embeddings, view.task.model

        def one_client(profile: FakeProfile) -> FedAttackGradients:
            user = profile.embedding
            hard = hard_pairs(model.scores((), user, items), jnp.sum(profile.holds))
            honest = profile_pairs(profile)
            return FedAttackGradients(
                poisoned=gradient_of_pairs(model, user, items, hard),
                by_user=gradient_of_pairs(model, user, items, honest).user,
            )

        block = members_per_block(items.size)
        gradients = map_over_devices(one_client, block, state)
        uploads = upload_gradients(gradients.poisoned, state.embedding, view, scope)
        trained = learn(state.embedding, gradients.by_user, view)
        return uploads, state._replace(embedding=trained)

    return LimitedAttack(init, upload, needs=NEEDS, sends_own_rows=True)
