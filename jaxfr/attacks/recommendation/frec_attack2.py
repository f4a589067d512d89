"""FRecAttack2: the hardest items of virtual users around one's own, the wrong way."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import (
    NEEDS,
    FakeProfile,
    draw_fake_profiles,
    gradient_of_pairs,
    learn,
    profile_pairs,
)
from jaxfr.attacks.recommendation.fed_attack import hard_pairs
from jaxfr.attacks.rows import send_own_rows
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT, COUNT_FROM_1, Range
from jaxfr.shapes import Bool, Float
from jaxfr.uploads import Uploads


class Imagined(NamedTuple):
    """What the clients keep.

    Attributes:
        key: of which each round and client makes its own.
        profiles: that they train on.
    """

    key: Array
    profiles: FakeProfile


class Flipped(NamedTuple):
    """What one client computes in a round.

    Attributes:
        rows: that it uploads.
        sent: for which items.
        by_user: derivative of its profile's loss by its embedding.
    """

    rows: Float[Array, "m d"]
    sent: Bool[Array, " m"]
    by_user: Float[Array, " d"]


@part
def frec_attack2(
    hardest: Annotated[Number, Range(0, 1)] = 0.1,
    variance: Annotated[Number, AMOUNT] = 0.1,
    virtual_users: Annotated[int, COUNT_FROM_1] = 10,
) -> LimitedAttack:
    """Lifts what virtual users like least, and sinks what they like most.

    A malicious client with embedding u draws virtual users from ``N(u, variance I)``
    in each round. For each of them the ``hardest m`` items of lowest score, rounded
    down and at least one, are the positives of a BPR loss whose negatives are as many
    of highest score (i-th lowest with i-th highest). It uploads the mean of these
    losses' gradients, ``lambda v_j`` included, for the items in some pair. Its own
    embedding it trains on a fake profile as an honest client would.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> attack = fr.attacks.frec_attack2()
    >>> fr.attacks.malicious_rows(attack, benign, malicious_clients=2).shape
    (1, 2, 1)

    It is ``fed_attack`` with virtual users instead of one's own, and with a share of
    all items instead of as many as the profile has. Knows the item table and how
    popular items are.

    Source: Hao et al., "Not one less: Exploring interplay between user profiles and
    items in untargeted attacks against federated recommendation", CCS 2024, where
    clients do not collude and user embeddings are secret (its IndSH). Left out: early
    in training it takes items by how fast their scores change.

    Args:
        hardest: share of all items that are flipped at either end.
        variance: of each coordinate of a virtual user.
        virtual_users: how many a client draws in a round; 100 there.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_users, key_profiles = jax.random.split(key)
        return Imagined(key_users, draw_fake_profiles(key_profiles, knowledge))

    def upload(state: Imagined, view: RoundView) -> tuple[Uploads, AttackState]:
        items, model = view.item_embeddings, view.task.model
        round_key = jax.random.fold_in(state.key, view.round)
        share = jnp.floor(jnp.asarray(hardest) * items.shape[0]).astype(jnp.int32)
        count = jnp.maximum(share, 1)

        def of_virtual(user: Array) -> tuple[Array, Array]:
            pairs = hard_pairs(model.scores((), user, items), count)
            found = gradient_of_pairs(model, user, items, pairs)
            return found.slope, found.in_pairs

        def one_client(client: Array, profile: FakeProfile) -> Flipped:
            own_key = jax.random.fold_in(round_key, client)
            shape = virtual_users, items.shape[1]
            spread = jnp.sqrt(jnp.asarray(variance)) * jax.random.normal(own_key, shape)
            users = profile.embedding + spread
            slopes, in_pairs = jax.vmap(of_virtual)(users)
            pulled = jnp.matmul(slopes.T, users, precision="highest") / virtual_users
            regular = view.task.regularization * jnp.mean(in_pairs, axis=0)
            honest = profile_pairs(profile)
            by_user = gradient_of_pairs(model, profile.embedding, items, honest).user
            rows = pulled + regular[:, None] * items
            return Flipped(rows, jnp.any(in_pairs, axis=0), by_user)

        clients = jnp.arange(view.taking_part.size)
        block = members_per_block(items.size * virtual_users)
        found = map_over_devices(one_client, block, clients, state.profiles)
        trained = learn(state.profiles.embedding, found.by_user, view)
        profiles = state.profiles._replace(embedding=trained)
        uploads = send_own_rows(jnp.swapaxes(found.rows, 0, 1), found.sent.T, view)
        return uploads, state._replace(profiles=profiles)

    return LimitedAttack(init, upload, needs=NEEDS, sends_own_rows=True)
