"""The state before round 0, and what stays fixed in all rounds."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.attacks import AttackState, Knowledge
from jaxfr.clients.batch import Batch, make_batch
from jaxfr.clients.layout import ClientGroup
from jaxfr.clients.pairs import TiledPairs, draw_negatives, own_pairs, tile_pairs
from jaxfr.clients.update import ClientState
from jaxfr.evaluation.evaluate import draw_candidates
from jaxfr.models import MODELS, Model
from jaxfr.sampling import PADDING_ITEM
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.layout import Layout
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    make_aggregator,
    make_attack,
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
        negatives: of each training pair, int32 ``[pairs]``.
        laid_out: the pairs in tiles for a model that works pair by pair, otherwise
            the batches of each client group, leading axis ``[clients]``.
        item_groups: the upload rows by item; empty where no rule asks for them.
        overflow: rows that found no room in ``item_groups``, int32 scalar.
        most_uploaded: the largest number of items that one client uploads, int32
            scalar.
    """

    negatives: Array
    laid_out: TiledPairs | tuple[Batch, ...]
    item_groups: tuple[ItemGroup, ...]
    overflow: Array
    most_uploaded: Array


class Setup(NamedTuple):
    """What a seed fixes for all rounds.

    Attributes:
        key: the run's random key.
        pairs: the fixed pairs, or those of round 0 where they are drawn anew.
        candidates: the items that each test item is ranked among, int32
            ``[n, num_candidates]``; empty in full ranking.
        max_poisoned_items: items that a client of the S attacks poisons, int32 scalar.
    """

    key: Array
    pairs: Pairs
    candidates: Array
    max_poisoned_items: Array


class TrainingState(NamedTuple):
    """What a round changes.

    Attributes:
        clients: the benign clients' private state, leading axis ``[n]``.
        item_embeddings: the server's table, float32 ``[m, d]``.
        server_optimizer: the state of the server's optimiser.
        attack: the attackers' state.
    """

    clients: ClientState
    item_embeddings: Array
    server_optimizer: optax.OptState
    attack: AttackState


def draw_pairs(
    key: Array,
    layout: Layout,
    model: Model,
    by_item: bool,
    given: Array | None = None,
) -> Pairs:
    """Draws every client's negatives and lays out the rows that will be uploaded.

    Args:
        key: the random key of this draw.
        layout: the data.
        model: the recommender, which decides how the pairs are laid out.
        by_item: whether to find each item's rows.
        given: negatives to use instead, int32 ``[pairs]``.
    """
    users, positives = layout.train_users, layout.train_items
    negatives = given
    if negatives is None:
        negatives = draw_negatives(key, users, layout.training_items, layout.num_items)
    if model.pair_gradients is None:
        laid_out, item, sent, order, uploaded = _by_client(layout.clients, negatives)
    else:
        laid_out = tile_pairs(layout.tiles, users, positives, negatives)
        item, sent, order = laid_out.item.reshape(-1), laid_out.sent.reshape(-1), None
        uploaded = jax.ops.segment_sum(
            jnp.sum(laid_out.sent, axis=1), laid_out.client, layout.num_clients
        )
    item_groups, overflow = (), jnp.zeros((), jnp.int32)
    if by_item:
        item_groups, overflow = group_rows(
            item, sent, layout.num_items, layout.item_slots, order
        )
    return Pairs(negatives, laid_out, item_groups, overflow, jnp.max(uploaded))


def pairs_of_device(pairs: Pairs) -> Pairs:
    """The pairs that this device works off, where a run is spread over several."""
    if isinstance(pairs.laid_out, TiledPairs):
        return pairs._replace(laid_out=own_pairs(pairs.laid_out))
    return pairs


def _by_client(
    groups: tuple[ClientGroup, ...], negatives: Array
) -> tuple[tuple[Batch, ...], Array, Array, Array, Array]:
    """The batches; each row's item, whether it is sent; order; rows by client.

    In that order of rows clients ascend, so that no rule sees the grouping.
    """

    def batches_of(group: ClientGroup) -> Batch:
        absent = group.positives == PADDING_ITEM
        drawn = jnp.where(absent, PADDING_ITEM, negatives[group.pair])
        return jax.vmap(make_batch)(group.positives, drawn)

    batches = tuple(map(batches_of, groups))
    item = jnp.concatenate([batch.items.reshape(-1) for batch in batches])
    sent = jnp.concatenate([batch.present.reshape(-1) for batch in batches])
    uploaded = jnp.concatenate([jnp.sum(batch.present, axis=1) for batch in batches])
    sender = [
        jnp.repeat(group.client, batch.items.shape[1])
        for group, batch in zip(groups, batches, strict=True)
    ]
    order = jnp.argsort(jnp.concatenate(sender), stable=True)
    return batches, item, sent, order, uploaded


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
        client_activity=jnp.diff(layout.training_items.start),
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
    model = MODELS[configuration.model]()
    pairs = draw_pairs(
        key_for(key, Purpose.NEGATIVES),
        layout,
        model,
        make_aggregator(configuration, hyperparameters).needs_groups,
        given.negatives,
    )
    candidates = draw_candidates(
        key_for(key, Purpose.CANDIDATES),
        layout.known_items,
        layout.num_items,
        configuration.num_candidates if configuration.ranking == "sampled" else 0,
    )
    wanted = jnp.asarray(hyperparameters.max_poisoned_items)
    poisoned = jnp.where(wanted > 0, wanted, pairs.most_uploaded)
    setup = Setup(key, pairs, candidates, poisoned)
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
    attack = make_attack(configuration, hyperparameters)
    return TrainingState(
        clients=ClientState(users, jax.vmap(client_optimizer.init)(users)),
        item_embeddings=items,
        server_optimizer=server_optimizer.init(items),
        attack=attack.init(key_for(setup.key, Purpose.ATTACK), knowledge),
    )
