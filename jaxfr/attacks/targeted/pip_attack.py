"""PipAttack: targets that a user likes and a classifier takes for popular."""

import itertools
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.attacks.base import AttackState, Knowledge, LimitedAttack, RoundView
from jaxfr.attacks.targeted.pull import (
    Strength,
    after_wanting,
    are_targets,
    averaged_loss,
    poisons_targets,
    pull,
    send_to_targets,
)
from jaxfr.optimizers import learn_rows
from jaxfr.parts import Number, part
from jaxfr.ranges import AMOUNT, Range
from jaxfr.shapes import Float, Int
from jaxfr.uploads import Uploads

HIDDEN = 16, 8
"""Widths of the classifier's layers."""

UPPER = 0.1, 0.45
"""Popular items are the first tenth, those of middling popularity the next 35 %."""

Classifier = Float[Array, " w"]
"""All numbers of the network behind one another."""


class Watcher(NamedTuple):
    """What the colluding clients hold in common.

    Attributes:
        targets: items to promote.
        unit: how long a row of strength 1 is, in derivatives.
        user: one user's embedding.
        group: of each item by popularity, 0 for the most popular.
        classifier: tells an item's group by its embedding.
        optimizer: the state of the steps that it learns by.
    """

    targets: Int[Array, " targets"]
    unit: Float[Array, ""]
    user: Float[Array, " d"]
    group: Int[Array, " m"]
    classifier: Classifier
    optimizer: optax.OptState


@part
def pip_attack(
    weight: Annotated[Number, AMOUNT] = 5.0,
    steps: Annotated[int, Range(0, 1000, whole=True)] = 10,
    rate: Annotated[Number, AMOUNT] = 0.01,
    strength: Strength = 1.0,
) -> LimitedAttack:
    """Makes targets look popular, as ``eb`` makes a user like them.

    The malicious clients hold an embedding u, which learns as in ``eb``, and a network
    that tells from an item's embedding whether it is among the most popular tenth, the
    next 35 % or the rest. In each round the network takes ``steps`` steps of Adam on
    the cross-entropy of all items but the targets. Then each client sends each target t
    the derivative by v_t of ``-ln sigma(u . v_t) - weight ln P(popular | v_t)``, times
    ``strength labels / targets``, where a benign client has so many positives and
    negatives on average.

    >>> benign = fr.uploads_of([[[1.0], [2.0], [9.0]]])  # 1 item, 3 clients, d = 1
    >>> fr.attacks.malicious_rows(fr.attacks.pip_attack(), benign).shape
    (1, 1, 1)

    Knows the item table, how popular items are, and how many items clients have.

    Source: Zhang et al., "PipAttack: Poisoning federated recommender systems for
    manipulating item promotion", WSDM 2022; its numbers as in the code of Yin et al.,
    WWW 2024, who compare with it, but for ``weight``, ``steps`` and ``rate`` (60, 1 and
    .001 there). Left out: a bound on how far rows are from those of honest training.
    The length of rows is that of losses that are means over labels (see ``pieck_ipe``).

    Args:
        weight: of looking popular.
        steps: by which the network learns in a round.
        rate: of these steps.
        strength: 1 for the proportion to benign rows where losses are such means.
    """
    descent = optax.adam(jnp.asarray(rate))

    def init(key: Array, knowledge: Knowledge) -> AttackState:
        key_user, key_network = jax.random.split(key)
        dim = knowledge.embedding_dim
        classifier = init_classifier(key_network, dim)
        return Watcher(
            knowledge.targets,
            averaged_loss(knowledge),
            knowledge.task.model.init_embeddings(key_user, 1, dim)[0],
            popularity_groups(knowledge.item_popularity),
            classifier,
            jax.vmap(descent.init)(classifier[None]),
        )

    def upload(state: Watcher, view: RoundView) -> tuple[Uploads, AttackState]:
        table = view.item_embeddings
        shown = ~are_targets(state.targets, table.shape[0])

        def loss(classifier: Array) -> Array:
            return group_loss(classifier, table, state.group, shown)

        def step(
            _: Array, learned: tuple[Array, optax.OptState]
        ) -> tuple[Array, optax.OptState]:
            by_numbers = jax.vmap(jax.grad(loss))(learned[0])
            return learn_rows(descent, *learned, by_numbers, jnp.ones(1, bool))

        learned = state.classifier[None], state.optimizer
        (classifier,), optimizer = jax.lax.fori_loop(0, steps, step, learned)

        def row(item: Array) -> Array:
            unpopular = jax.grad(lambda item: -group_logs(classifier, item)[0])
            return pull(state.user[None], item) + jnp.asarray(weight) * unpopular(item)

        items = table[state.targets]
        length = jnp.asarray(strength) * state.unit
        sent = send_to_targets(length * jax.vmap(row)(items), state.targets, view)
        user = after_wanting(state.user, items, view.task.learning_rate)
        kept = state._replace(user=user, classifier=classifier, optimizer=optimizer)
        return sent, kept

    return LimitedAttack(init, upload, poisons_targets, promotes_targets=True)


def popularity_groups(item_popularity: Int[Array, " m"]) -> Int[Array, " m"]:
    """0 for popular items, 1 for those of middling popularity, 2 for the rest.

    Items as popular as the first of a group belong to the group above.
    """
    descending = -jnp.sort(-item_popularity)
    places = (jnp.array(UPPER) * item_popularity.size).astype(jnp.int32)
    below = item_popularity[:, None] < descending[places]
    return jnp.sum(below, axis=1, dtype=jnp.int32)


def _widths(dim: int) -> Sequence[tuple[int, int]]:
    widths = dim, *HIDDEN, len(UPPER) + 1
    return list(itertools.pairwise(widths))


def init_classifier(key: Array, dim: int) -> Classifier:
    """Draws layers He normal (He et al., ICCV 2015), biases 0."""
    draw = jax.nn.initializers.he_normal()
    parts = []
    for number, (inner, outer) in enumerate(_widths(dim)):
        layer = draw(jax.random.fold_in(key, number), (inner, outer))
        parts += [layer.reshape(-1), jnp.zeros(outer)]
    return jnp.concatenate(parts)


def group_logs(classifier: Classifier, item: Float[Array, " d"]) -> Float[Array, " 3"]:
    """Logarithm of how likely each group is, by rectified layers and a softmax."""
    value, begin = item, 0
    for number, (inner, outer) in enumerate(_widths(item.size)):
        end = begin + inner * outer
        layer = classifier[begin:end].reshape(inner, outer)
        value = jax.nn.relu(value) if number else value
        begin, value = end + outer, value @ layer + classifier[end : end + outer]
    return jax.nn.log_softmax(value)


def group_loss(
    classifier: Classifier,
    items: Float[Array, "m d"],
    group: Int[Array, " m"],
    shown: Array,
) -> Float[Array, ""]:
    """Mean cross-entropy over the items that are shown."""
    logs = jax.vmap(group_logs, in_axes=(None, 0))(classifier, items)
    of_group = jnp.take_along_axis(logs, group[:, None], axis=1)[:, 0]
    return -jnp.sum(jnp.where(shown, of_group, 0.0)) / jnp.maximum(jnp.sum(shown), 1)
