"""Promotion by users who do not exist: eb, a_ra and a_hum."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.targeted.pull import (
    Strength,
    after_wanting,
    averaged_loss,
    poisons_targets,
    pull,
    send_to_targets,
)
from jaxfr.parts import Number, part
from jaxfr.ranges import Range
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads

VirtualUsers = Annotated[int, Range(1, 10_000, whole=True)]


class OwnUser(NamedTuple):
    """What the colluding clients hold in common: one user's embedding."""

    targets: Int[Array, " targets"]
    unit: Float[Array, ""]
    user: Float[Array, " d"]


class Draws(NamedTuple):
    """What virtual users are drawn from, anew in each round."""

    targets: Int[Array, " targets"]
    unit: Float[Array, ""]
    key: Array


@part
def eb(strength: Strength = 1.0) -> LimitedAttack:
    """Explicit boosting: a user who likes nothing but the targets.

    The malicious clients hold one embedding u, drawn as the model draws a user's. Each
    sends each target t the derivative of ``-ln sigma(u . v_t)``, times ``strength
    labels / targets``, where a benign client has so many positives and negatives on
    average, and u learns from the sum of these losses, as a benign client's does.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.eb(), benign).shape
    (1, 1, 1)

    Targets go the way of u, which no real user needs to share: where scores are
    products of embeddings, the draw decides whom that reaches.

    Knows the item table, and how many items clients have.

    Source: the baseline of Zhang et al., "PipAttack: Poisoning federated recommender
    systems for manipulating item promotion", WSDM 2022, whose clients hold one
    embedding each; the length is that in the code of PIECK, which compares with it.

    Args:
        strength: 1 for the proportion to benign rows that this code has.
    """

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        dim = knowledge.embedding_dim
        user = knowledge.task.model.init_embeddings(key, 1, dim)[0]
        return OwnUser(knowledge.targets, averaged_loss(knowledge), user)

    def upload(state: OwnUser, view: RoundView) -> tuple[Uploads, AttackState]:
        items = view.item_embeddings[state.targets]
        rows = jax.vmap(lambda item: pull(state.user[None], item))(items)
        learned = after_wanting(state.user, items, view.task.learning_rate)
        length = jnp.asarray(strength) * state.unit
        sent = send_to_targets(length * rows, state.targets, view)
        return sent, state._replace(user=learned)

    return LimitedAttack(init, upload, poisons_targets, promotes_targets=True)


@part
def a_ra(virtual_users: VirtualUsers = 100, strength: Strength = 1.0) -> LimitedAttack:
    """Approximates users by random ones, who want the targets.

    In each round virtual users p are drawn, each coordinate from a normal distribution
    of mean 0 and the item table's root mean square; every malicious client sends each
    target t the derivative of their mean loss ``-ln sigma(p . v_t)``, times ``strength
    labels / targets``, where a benign client has so many positives and negatives on
    average.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.a_ra(), benign).shape
    (1, 1, 1)

    Knows the item table, and how many items clients have.

    Source: Rong, He and Chen, "Poisoning deep learning based recommender model in
    federated learning scenarios", IJCAI 2022 (A-ra), where each client draws 10 users
    from ``N(0, .01^2)`` and poisons the network that scores them, too. Without a
    network it promotes nothing: users who want an item from all sides agree on ``v_t =
    0``, which is where it brings the targets. The scale of the users changes how fast,
    and is that of the items here.

    Args:
        virtual_users: how many are drawn in each round.
        strength: 1 for the proportion to benign rows that the source has.
    """
    return _by_virtual_users(virtual_users, 0, 0.0, strength)


@part
def a_hum(
    virtual_users: VirtualUsers = 100,
    steps: Annotated[int, Range(1, 1000, whole=True)] = 10,
    step_size: Strength = 1.0,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Hard user mining: as ``a_ra``, with users who want a target least.

    Before they want target t, virtual users take ``steps`` steps down
    ``-ln(1 - sigma(p . v_t))``, the loss of a label 0: ``p <- p - step_size
    sigma(p . v_t) v_t``.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.a_hum(), benign).shape
    (1, 1, 1)

    Without a network they stand behind the item, at ``-v_t``, and pull it over to their
    side: targets swing from one side to the other, one of which real users like.

    Knows the item table, and how many items clients have.

    Source: Rong, He and Chen, IJCAI 2022 (A-hum), for deep models, where users are
    drawn as in ``a_ra`` and take 30 steps of the learning rate away from all targets at
    once.

    Args:
        virtual_users: how many are drawn in each round.
        steps: by which they become hard.
        step_size: of these steps.
        strength: 1 for the proportion to benign rows that the source has.
    """
    return _by_virtual_users(virtual_users, steps, step_size, strength)


def _by_virtual_users(
    virtual_users: int, steps: int, step_size: Number, strength: Number
) -> LimitedAttack:
    def init(key: Array, knowledge: Knowledge) -> AttackState:
        return Draws(knowledge.targets, averaged_loss(knowledge), key)

    def upload(state: Draws, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        key = jax.random.fold_in(state.key, view.round)
        size = jnp.sqrt(jnp.mean(table**2))
        users = size * jax.random.normal(key, (virtual_users, table.shape[1]))

        def row(item: Array) -> Array:
            return pull(harden(users, item, steps, jnp.asarray(step_size)), item)

        length = jnp.asarray(strength) * state.unit
        rows = length * jax.vmap(row)(table[state.targets])
        return send_to_targets(rows, state.targets, view), state

    return LimitedAttack(init, upload, poisons_targets, promotes_targets=True)


def harden(
    users: Float[Array, "users d"], item: Float[Array, " d"], steps: int, size: Array
) -> Float[Array, "users d"]:
    """Users after so many steps away from an item."""

    def step(_: Array, users: Array) -> Array:
        return users - size * jax.nn.sigmoid(users @ item)[:, None] * item

    return jax.lax.fori_loop(0, steps, step, users)
