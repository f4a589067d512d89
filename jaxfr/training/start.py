"""The state before round 0, and what stays fixed in all rounds."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators import ServerKnowledge, init_server, sees_clients
from jaxfr.attacks import Knowledge
from jaxfr.clients.neighbours import draw_neighbours
from jaxfr.clients.update import ClientState
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.evaluate import RankedItems, draw_candidates
from jaxfr.evaluation.most_popular import evaluate_most_popular
from jaxfr.evaluation.targets import draw_targets
from jaxfr.evaluation.within_third import draw_within_third
from jaxfr.learning import init_rows
from jaxfr.models import MODELS
from jaxfr.models.weights import flatten, num_weights
from jaxfr.training.checks import check_settings
from jaxfr.training.keys import Purpose, check_key, key_for
from jaxfr.training.layout import Layout
from jaxfr.training.pairs import draw_pairs
from jaxfr.training.room import check_room
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    make_aggregator,
    make_attack,
)
from jaxfr.training.state import (
    GivenValues,
    Setup,
    Table,
    TrainingState,
)


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
        client_activity=layout.client_activity,
        noise=noise,
    )


def start(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    key: Array,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> tuple[Setup, TrainingState]:
    """Draws all that a seed decides before round 0.

    Args:
        configuration: static settings.
        hyperparameters: traced settings.
        layout: the data.
        key: the seed's random key, from ``run_key``.
        given: values to use instead of drawing them.

    Raises:
        InvalidInputError: if settings have no meaning (see ``check_settings``), the
            layout is planned for another number of devices, the key is of another
            kind, or what a run keeps does not fit into memory.
    """
    check_settings(configuration, hyperparameters)
    check_devices(configuration, layout)
    check_key(key)
    arguments = hyperparameters, layout, key, given
    # Traced once for both.
    kept = jax.eval_shape(functools.partial(_start, configuration), *arguments)
    check_room(kept, configuration.num_devices)
    return _start(configuration, *arguments)


@functools.partial(jax.jit, static_argnames="configuration")
def _start(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    key: Array,
    given: GivenValues,
) -> tuple[Setup, TrainingState]:
    with jax.default_matmul_precision("highest"):
        return spread(
            functools.partial(_start_on_each_device, configuration),
            configuration.num_devices,
            (WHOLE, placement(layout), WHOLE, WHOLE),
            (
                placement(Setup),
                _state_placement(configuration, hyperparameters, layout),
            ),
        )(hyperparameters, layout, key, given)


def _state_placement(
    configuration: Configuration, hyperparameters: Hyperparameters, layout: Layout
) -> TrainingState:
    """How the state lies on devices, which a stage of the server may have a say in."""
    rule = make_aggregator(configuration, hyperparameters)
    model, dim = MODELS[configuration.model](), configuration.embedding_dim
    ids = layout.num_server_ids(configuration.malicious_clients)

    def of_table(*shape: int) -> Table:
        knowledge = ServerKnowledge(ids, *shape)
        server = jax.eval_shape(functools.partial(init_server, rule, knowledge))
        return placement(Table)._replace(server=placement(server))

    weights = num_weights(model, dim)
    return placement(TrainingState)._replace(
        items=of_table(layout.num_items, dim),
        weights=of_table(1, weights) if weights else WHOLE,
    )


def check_devices(configuration: Configuration, layout: Layout) -> None:
    """Refuses a layout that is planned for another number of devices.

    Raises:
        InvalidInputError: if it is.
    """
    if layout.devices.size != configuration.num_devices:
        raise InvalidInputError(
            f"num_devices={configuration.num_devices}: the layout is planned for "
            f"{layout.devices.size}"
        )


def _start_on_each_device(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    key: Array,
    given: GivenValues,
) -> tuple[Setup, TrainingState]:
    pairs = draw_pairs(configuration, layout, key, given=given.negatives)
    candidates = draw_candidates(
        key_for(key, Purpose.CANDIDATES),
        layout.client_ids,
        layout.known_items,
        layout.num_items,
        configuration.num_candidates if configuration.ranks("sampled") else 0,
    )
    wanted = jnp.asarray(hyperparameters.max_poisoned_items)
    poisoned = jnp.where(wanted > 0, wanted, pairs.most_uploaded)
    neighbours = _draw_neighbours(configuration, layout, key)
    within_third = draw_within_third(
        key_for(key, Purpose.WITHIN_THIRD),
        layout.client_ids,
        layout.known_items,
        layout.item_third,
        layout.test_items.degree_group,
        configuration.num_candidates if configuration.ranks("within_third") else 0,
    )
    targets = draw_targets(
        key_for(key, Purpose.TARGETS),
        jnp.array(hyperparameters.targets, jnp.int32),
        layout.item_third,
    )
    most_popular = evaluate_most_popular(
        configuration.metrics,
        configuration.ranking,
        layout.item_degree,
        RankedItems(
            layout.test_items, candidates, within_third, targets, layout.clients
        ),
    )
    server_ids = None
    if sees_clients(make_aggregator(configuration, hyperparameters)):
        own_key = key_for(key, Purpose.SERVER_IDS)
        server_ids = jax.random.permutation(
            own_key, layout.num_server_ids(configuration.malicious_clients)
        )
    setup = Setup(
        *(key, pairs, candidates, poisoned, neighbours),
        *(within_third, targets, most_popular, server_ids),
    )
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
    # All are drawn by each device, as one draw of the whole table is what a seed means.
    users = users[layout.client_ids]
    if items is None:
        item_key = key_for(setup.key, Purpose.ITEM_EMBEDDINGS)
        items = model.init_embeddings(item_key, layout.num_items, dim)
    learning_rate = jnp.asarray(hyperparameters.learning_rate)
    client_optimizer = OPTIMIZERS[configuration.client_optimizer](learning_rate)
    clients = ClientState(users, init_rows(client_optimizer, users))
    knowledge = attack_knowledge(
        configuration, hyperparameters, layout, setup.max_poisoned_items, given.noise
    )
    table = functools.partial(_initial_table, configuration, hyperparameters, layout)
    of_items = table(items, key_for(setup.key, Purpose.ATTACK), knowledge)
    weights = given.weights
    if weights is None:
        weights_key = key_for(setup.key, Purpose.WEIGHTS)
        weights = flatten(model.init_weights(weights_key, dim))
    if weights.size == 0:
        return TrainingState(clients, of_items, weights=None)
    attack_key = key_for(setup.key, Purpose.ATTACK_ON_WEIGHTS)
    of_weights = table(weights[None], attack_key, _on_weights(knowledge, weights.size))
    return TrainingState(clients, of_items, of_weights)


def _initial_table(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    values: Array,
    attack_key: Array,
    knowledge: Knowledge,
) -> Table:
    learning_rate = jnp.asarray(hyperparameters.learning_rate)
    optimizer = OPTIMIZERS[configuration.server_optimizer](learning_rate)
    attack = make_attack(configuration, hyperparameters)
    rule = make_aggregator(configuration, hyperparameters)
    ids = layout.num_server_ids(configuration.malicious_clients)
    return Table(
        values,
        init_rows(optimizer, values),
        attack.init(attack_key, knowledge),
        init_server(
            rule,
            ServerKnowledge(ids, *values.shape),
        ),
        jnp.zeros_like(values),
    )


def _on_weights(knowledge: Knowledge, num_weights: int) -> Knowledge:
    """The same knowledge for a table of one row, which everybody may poison."""
    return knowledge._replace(
        item_popularity=jnp.ones(1, jnp.int32),
        max_poisoned_items=jnp.ones((), jnp.int32),
        embedding_dim=num_weights,
        noise=None,
    )


def _draw_neighbours(configuration: Configuration, layout: Layout, key: Array) -> Array:
    count = configuration.neighbours_per_item
    if count == 0:
        return jnp.zeros((layout.train_items.size, 0), jnp.int32)
    if layout.holders is None:
        raise InvalidInputError(
            f"neighbours_per_item={count}: the layout is planned without neighbours"
        )
    own_key = key_for(key, Purpose.NEIGHBOURS)
    return draw_neighbours(own_key, layout.pair_ids, layout.holders, count)
