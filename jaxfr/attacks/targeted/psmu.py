"""PSMU: synthetic users, for whom targets are to beat their alternatives."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.recommendation.fake_profiles import (
    NEEDS,
    FakeProfile,
    draw_negatives_outside,
    gradient_of_pairs,
    profile_pairs,
)
from jaxfr.attacks.rows import send_own_rows
from jaxfr.attacks.targeted.pull import Strength, are_targets, labels_of_client
from jaxfr.blocks import members_per_block
from jaxfr.devices import map_over_devices
from jaxfr.models import Model
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT, Range
from jaxfr.shapes import Bool, Float, Int
from jaxfr.uploads import Uploads


class Draws(NamedTuple):
    """What synthetic users are drawn from, anew in each round."""

    targets: Int[Array, " targets"]
    labels: Float[Array, ""]
    key: Array


@part
def psmu(
    profile_items: Annotated[int, Range(1, 10_000, whole=True)] = 30,
    steps: Annotated[int, Range(0, 1000, whole=True)] = 20,
    rate: Annotated[Number, AMOUNT] = 0.5,
    recommended: Annotated[int, Range(0, 100, whole=True)] = 5,
    similar: Annotated[int, Range(0, 100, whole=True)] = 5,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Lets targets beat their alternatives for users made of random items.

    In each round each malicious client draws ``profile_items`` items that are no
    targets, and an embedding u, which takes ``steps`` steps of gradient descent on the
    BPR loss of this profile. The alternatives of target t are the ``recommended`` items
    of highest score outside of the profile and the ``similar`` further items of highest
    ``v_j . v_t``, targets left out. The client sends, for targets and alternatives,
    ``strength labels`` times the derivative of the sum over both of ``sigma(x_j -
    x_t)``, with x its scores, where a benign client has so many positives and negatives
    on average.

    >>> benign = fr.uploads_of([[[1.0]], [[2.0]]])  # 2 items, of which one is a target
    >>> fr.attacks.malicious_rows(fr.attacks.psmu(), benign, malicious_clients=3).shape
    (2, 3, 1)

    Knows the item table, and how many items clients have.

    Source: Yuan et al., "Manipulating federated recommender systems: Poisoning with
    synthetic users and its countermeasures", SIGIR 2023, for Fed-NCF and Fed-LightGCN;
    its numbers as in the code of Yin et al., WWW 2024, who compare with it, where users
    learn by Adam at rate 2, clients add their derivatives up before each sends the
    sum, and rows of the profile are sent, but none of a target. The length of rows is
    here that of losses that are means over labels, as in ``pieck_ipe``.

    Args:
        profile_items: how many items a synthetic user holds.
        steps: by which its embedding is learned.
        rate: of these steps.
        recommended: how many alternatives are from the user's list.
        similar: how many are like the target.
        strength: 1 for the proportion to benign rows where losses are such means.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return Draws(knowledge.targets, labels_of_client(knowledge), key)

    def upload(state: Draws, view: RoundView) -> tuple[Uploads, AttackState]:
        items, model = view.item_embeddings, view.task.model
        targets = state.targets
        barred = are_targets(targets, items.shape[0])
        length = jnp.asarray(strength) * state.labels
        round_key = jax.random.fold_in(state.key, view.round)

        def one_client(client: Array) -> tuple[Array, Array]:
            own_key = jax.random.fold_in(round_key, client)
            profile = draw_profile(own_key, barred, profile_items, model, items)
            user = learn_profile(profile, items, model, steps, jnp.asarray(rate))
            scores = items @ user
            alternatives = jax.vmap(
                lambda target: find_alternatives(
                    scores, items @ items[target], profile.holds, barred,
                    recommended, similar,
                )
            )(targets)  # fmt: skip
            slope = beating_slopes(scores, targets, alternatives)
            sends = (barred | jnp.any(alternatives, axis=0)) & (targets.size > 0)
            return length * slope[:, None] * user, sends

        clients = jnp.arange(view.taking_part.size)
        block = members_per_block(items.size)
        rows, sends = map_over_devices(one_client, block, clients)
        return send_own_rows(jnp.swapaxes(rows, 0, 1), sends.T, view), state

    return LimitedAttack(
        init, upload, needs=NEEDS, promotes_targets=True, sends_own_rows=True
    )


def draw_profile(
    key: Array,
    barred: Bool[Array, " m"],
    count: int,
    model: Model,
    items: Float[Array, "m d"],
) -> FakeProfile:
    """Draws one synthetic user: items that are not barred, uniformly, and negatives."""
    key_items, key_negatives, key_embedding = jax.random.split(key, 3)
    drawn = jnp.where(barred, -1.0, jax.random.uniform(key_items, barred.shape))
    # One item at least is left as a negative.
    found, held = jax.lax.top_k(drawn, min(count, barred.size - 1))
    holds = jnp.zeros_like(barred).at[held].set(found >= 0)
    embedding = model.init_embeddings(key_embedding, 1, items.shape[1])[0]
    return FakeProfile(holds, draw_negatives_outside(key_negatives, holds), embedding)


def learn_profile(
    profile: FakeProfile,
    items: Float[Array, "m d"],
    model: Model,
    steps: int,
    rate: Array,
) -> Float[Array, " d"]:
    """The user's embedding after so many steps on its profile."""

    def step(_: Array, user: Array) -> Array:
        return user - rate * gradient_of_pairs(model, user, items, pairs).user

    pairs = profile_pairs(profile)
    return jax.lax.fori_loop(0, steps, step, profile.embedding)


def find_alternatives(
    scores: Float[Array, " m"],
    likeness: Float[Array, " m"],
    holds: Bool[Array, " m"],
    barred: Bool[Array, " m"],
    recommended: int,
    similar: int,
) -> Bool[Array, " m"]:
    """The alternatives of one target.

    Args:
        likeness: of each item with the target.
        holds: items of the user's profile.
        barred: the targets.
        recommended: how many of highest score.
        similar: how many more of highest likeness.
    """

    def best(value: Array, left_out: Array, count: int) -> Array:
        value = jnp.where(left_out, -jnp.inf, value)
        found, items = jax.lax.top_k(value, min(count, value.size))
        return jnp.zeros_like(barred).at[items].set(found > -jnp.inf)

    listed = best(scores, barred | holds, recommended)
    return listed | best(likeness, barred | listed, similar)


def beating_slopes(
    scores: Float[Array, " m"],
    targets: Int[Array, " targets"],
    alternatives: Bool[Array, "targets m"],
) -> Float[Array, " m"]:
    """Derivative by each score of the sum of ``sigma(x_j - x_t)``."""
    beaten = jax.nn.sigmoid(scores - scores[targets][:, None])
    slope = jnp.where(alternatives, beaten * (1 - beaten), 0.0)
    by_alternatives = jnp.sum(slope, axis=0)
    return by_alternatives.at[targets].add(-jnp.sum(slope, axis=1))
