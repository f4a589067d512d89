"""The state before round 0, and what stays fixed in all rounds."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.attacks import ATTACKS, AttackState, Knowledge
from jaxfr.clients.batch import (
    Batch,
    draw_negative_ranks,
    make_batch,
    negatives_of_client,
)
from jaxfr.clients.layout import ClientGroup
from jaxfr.clients.update import ClientState
from jaxfr.evaluation.evaluate import Candidates, draw_candidates
from jaxfr.models import MODELS
from jaxfr.sampling import PADDING_ITEM, SearchMethod, search_method
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.layout import Layout, by_group
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    make_aggregator,
)
from jaxfr.uploads import ItemGroup, group_rows


class GivenValues(NamedTuple):
    """Values to start from instead of drawing them; each may be None.

    Attributes:
        user_embeddings: float32 ``[n, d]``.
        item_embeddings: float32 ``[m, d]``.
        negatives: for each training pair in the data set's order, int32
            ``[pairs]``; they replace the fixed negatives.
        noise: noise of the L attacks, float32 ``[m, d]``.
    """

    user_embeddings: Array | None = None
    item_embeddings: Array | None = None
    negatives: Array | None = None
    noise: Array | None = None


class Pairs(NamedTuple):
    """The negatives of a round and what follows from them.

    Attributes:
        negatives: for each client group, int32 ``[clients, width]``.
        batches: for each client group, leading axis ``[clients]``.
        item_groups: the upload rows by item; empty where no rule asks for them.
        overflow: rows that found no room in ``item_groups``, int32 scalar.
    """

    negatives: tuple[Array, ...]
    batches: tuple[Batch, ...]
    item_groups: tuple[ItemGroup, ...]
    overflow: Array


class Setup(NamedTuple):
    """What a seed fixes for all rounds.

    Attributes:
        key: the run's random key.
        pairs: the fixed pairs, or those of round 0 where they are drawn anew.
        candidates: for each client group.
        max_poisoned_items: items that a client of the S attacks poisons, int32 scalar.
    """

    key: Array
    pairs: Pairs
    candidates: tuple[Candidates, ...]
    max_poisoned_items: Array


class TrainingState(NamedTuple):
    """What a round changes.

    Attributes:
        clients: the benign clients' private state, for each client group.
        item_embeddings: the server's table, float32 ``[m, d]``.
        server_optimizer: the state of the server's optimiser.
        attack: the attackers' state.
    """

    clients: tuple[ClientState, ...]
    item_embeddings: Array
    server_optimizer: optax.OptState
    attack: AttackState


def draw_pairs(
    key: Array, layout: Layout, by_item: bool, given: Array | None = None
) -> Pairs:
    """Draws every client's negatives and lays out the rows that will be uploaded.

    Args:
        key: the random key of this draw.
        layout: the data.
        by_item: whether to find each item's rows.
        given: negatives to use instead, int32 ``[pairs]``.
    """
    activity = layout.user_activity[layout.train_users]
    rank = draw_negative_ranks(key, activity, layout.num_items)

    def negatives_of(group: ClientGroup) -> Array:
        if given is not None:
            return jnp.where(
                group.positives == PADDING_ITEM, PADDING_ITEM, given[group.pair]
            )
        find = functools.partial(negatives_of_client, method=method_for(group))
        return jax.vmap(find)(rank[group.pair], group.training_items)

    def batches_of(group: ClientGroup, negatives: Array) -> Batch:
        make = functools.partial(make_batch, method=method_for(group))
        return jax.vmap(make)(group.positives, negatives)

    def method_for(group: ClientGroup) -> SearchMethod:
        return search_method(group.positives.size * group.positives.shape[1])

    negatives = tuple(map(negatives_of, layout.clients))
    batches = tuple(map(batches_of, layout.clients, negatives))
    item_groups, overflow = (), jnp.zeros((), jnp.int32)
    if by_item:
        item = jnp.concatenate([batch.items.reshape(-1) for batch in batches])
        present = jnp.concatenate([batch.present.reshape(-1) for batch in batches])
        item_groups, overflow = group_rows(
            item, present, layout.row_order, layout.item_slots
        )
    return Pairs(negatives, batches, item_groups, overflow)


def attack_knowledge(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    max_poisoned_items: Array,
    noise: Array | None = None,
) -> Knowledge:
    """What the attackers of this run know before it."""
    return Knowledge(
        item_popularity=layout.item_popularity,
        max_poisoned_items=max_poisoned_items,
        noise_scale=jnp.asarray(hyperparameters.noise_scale),
        malicious_clients=configuration.malicious_clients,
        embedding_dim=configuration.embedding_dim,
        noise=noise,
    )


@functools.partial(jax.jit, static_argnames="configuration")
def start(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    key: Array,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> tuple[Setup, TrainingState]:
    """Draws all that a seed decides before round 0.

    Args:
        configuration: static settings, checked with ``check_settings``.
        hyperparameters: traced settings.
        layout: the data.
        key: the seed's random key.
        given: values to use instead of drawing them.
    """
    by_item = make_aggregator(configuration, hyperparameters).needs_groups
    pairs = draw_pairs(
        key_for(key, Purpose.NEGATIVES), layout, by_item, given.negatives
    )
    candidates = draw_candidates(
        key_for(key, Purpose.CANDIDATES),
        layout.clients,
        by_group(layout, layout.user_activity + layout.has_test_item),
        layout.num_items,
        configuration.num_candidates if configuration.ranking == "sampled" else 0,
    )
    most_uploaded = jnp.max(
        jnp.stack([jnp.max(jnp.sum(batch.present, axis=1)) for batch in pairs.batches])
    )
    wanted = jnp.asarray(hyperparameters.max_poisoned_items)
    setup = Setup(key, pairs, candidates, jnp.where(wanted > 0, wanted, most_uploaded))
    return setup, _initial_state(configuration, hyperparameters, layout, setup, given)


def _initial_state(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    setup: Setup,
    given: GivenValues,
) -> TrainingState:
    model, dim = MODELS[configuration.model](), configuration.embedding_dim
    users, items = given.user_embeddings, given.item_embeddings
    if users is None:
        user_key = key_for(setup.key, Purpose.USER_EMBEDDINGS)
        users = model.init_embeddings(user_key, layout.num_clients, dim)
    if items is None:
        item_key = key_for(setup.key, Purpose.ITEM_EMBEDDINGS)
        items = model.init_embeddings(item_key, layout.num_items, dim)
    learning_rate = jnp.asarray(hyperparameters.learning_rate)
    client_optimizer = OPTIMIZERS[configuration.client_optimizer](learning_rate)
    server_optimizer = OPTIMIZERS[configuration.server_optimizer](learning_rate)
    knowledge = attack_knowledge(
        configuration, hyperparameters, layout, setup.max_poisoned_items, given.noise
    )
    attack = ATTACKS[configuration.attack]()
    return TrainingState(
        clients=tuple(
            ClientState(embedding, jax.vmap(client_optimizer.init)(embedding))
            for embedding in by_group(layout, users)
        ),
        item_embeddings=items,
        server_optimizer=server_optimizer.init(items),
        attack=attack.init(key_for(setup.key, Purpose.ATTACK), knowledge),
    )
