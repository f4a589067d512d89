"""The state before round 0, and what stays fixed in all rounds."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators import ServerKnowledge
from jaxfr.aggregators.server import init_server, sees_clients
from jaxfr.attacks import Knowledge, LimitedAttack, Task, none
from jaxfr.clients.graph import draw_neighbours
from jaxfr.clients.update import ClientState
from jaxfr.contracts import ask
from jaxfr.devices import WHOLE, placement, spread
from jaxfr.evaluation.candidates import draw_within_third
from jaxfr.evaluation.evaluate import RankedItems, draw_candidates
from jaxfr.evaluation.references import evaluate_most_popular
from jaxfr.evaluation.targets import draw_targets
from jaxfr.experiment import Experiment
from jaxfr.models.base import flatten, num_weights
from jaxfr.optimizers import init_rows
from jaxfr.training.checks import check_run
from jaxfr.training.keys import Purpose, check_key, key_for
from jaxfr.training.layout import Layout
from jaxfr.training.memory import check_room
from jaxfr.training.pairs import Pairs, draw_pairs
from jaxfr.training.public_items import draw_public_items
from jaxfr.training.state import (
    GivenValues,
    Setup,
    Table,
    TrainingState,
)


def client_task(experiment: Experiment) -> Task:
    """What every client of this experiment is asked to train."""
    rate = experiment.client_learning_rate
    return Task(experiment.model.make(), rate, experiment.regularization)


def attack_knowledge(
    experiment: Experiment,
    layout: Layout,
    pairs: Pairs,
    targets: Array,
    noise: Array | None = None,
    public_items: Array | None = None,
) -> Knowledge:
    """What the attackers of this run know before it."""
    task = client_task(experiment)
    return Knowledge(
        task=task,
        item_popularity=layout.item_popularity,
        most_uploaded=pairs.most_uploaded,
        malicious_clients=layout.malicious_clients,
        embedding_dim=task.model.embedding_dim,
        client_activity=layout.client_activity,
        targets=targets,
        noise=noise,
        public_items=public_items,
    )


def start(
    experiment: Experiment,
    layout: Layout,
    key: Array,
    given: GivenValues = GivenValues(),  # noqa: B008 (immutable)
) -> tuple[Setup, TrainingState]:
    """Draws all that a seed decides before round 0.

    Args:
        experiment: from ``Experiment.with_data``.
        layout: the data.
        key: the seed's random key, from ``run_key``.
        given: values to use instead of drawing them.

    Raises:
        InvalidInputError: if the run has no meaning (see ``check_run``), the key is of
            another kind, or what a run keeps does not fit into memory.
    """
    check_run(experiment, layout)
    setup = draw_setup(experiment, layout, key, given)
    return setup, begin(experiment, layout, setup, given)


def draw_setup(
    experiment: Experiment, layout: Layout, key: Array, given: GivenValues
) -> Setup:
    """The first half of ``start``, which no attack has a say in."""
    check_key(key)
    arguments = without_attack(experiment), layout, key, given
    # Traced once for both.
    check_room(jax.eval_shape(_draw, *arguments), layout.num_devices)
    return _draw(*arguments)


def begin(
    experiment: Experiment, layout: Layout, setup: Setup, given: GivenValues
) -> TrainingState:
    """The other half: the state before round 0."""
    arguments = experiment, layout, setup, given
    check_room((setup, jax.eval_shape(_begin, *arguments)), layout.num_devices)
    return _begin(*arguments)


def without_attack(experiment: Experiment) -> Experiment:
    """One that draws the same, in the same program whatever the attack is."""
    return dataclasses.replace(experiment, attack=none())


@jax.jit
def _draw(
    experiment: Experiment, layout: Layout, key: Array, given: GivenValues
) -> Setup:
    with jax.default_matmul_precision("highest"):
        return spread(
            _draw_on_each_device,
            layout.num_devices,
            (WHOLE, placement(layout), WHOLE, WHOLE),
            placement(Setup),
        )(experiment, layout, key, given)


@jax.jit
def _begin(
    experiment: Experiment, layout: Layout, setup: Setup, given: GivenValues
) -> TrainingState:
    with jax.default_matmul_precision("highest"):
        return spread(
            _begin_on_each_device,
            layout.num_devices,
            (WHOLE, placement(layout), placement(Setup), WHOLE),
            _state_placement(experiment, layout),
        )(experiment, layout, setup, given)


def _state_placement(experiment: Experiment, layout: Layout) -> TrainingState:
    """How the state lies on devices, which a stage of the server may have a say in."""
    rule, model = experiment.rule(), experiment.model.make()
    dim = model.embedding_dim

    def of_table(*shape: int) -> Table:
        knowledge = ServerKnowledge(layout.num_server_ids, *shape)
        server = jax.eval_shape(functools.partial(init_server, rule, knowledge))
        return placement(Table)._replace(server=placement(server))

    weights = num_weights(model, dim)
    return placement(TrainingState)._replace(
        items=of_table(layout.num_items, dim),
        weights=of_table(1, weights) if weights else WHOLE,
    )


def _draw_on_each_device(
    experiment: Experiment, layout: Layout, key: Array, given: GivenValues
) -> Setup:
    pairs = draw_pairs(experiment, layout, key, given=given.negatives)
    candidates = draw_candidates(
        key_for(key, Purpose.CANDIDATES),
        layout.client_ids,
        layout.known_items,
        layout.num_items,
        experiment.num_candidates if experiment.ranks("sampled") else 0,
    )
    neighbours = _draw_neighbours(experiment, layout, key)
    within_third = draw_within_third(
        key_for(key, Purpose.WITHIN_THIRD),
        layout.client_ids,
        layout.known_items,
        layout.item_third,
        layout.test_items.degree_group,
        experiment.num_candidates if experiment.ranks("within_third") else 0,
    )
    targets = draw_targets(
        key_for(key, Purpose.TARGETS),
        jnp.array(experiment.targets, jnp.int32),
        layout.item_third,
    )
    most_popular = evaluate_most_popular(
        experiment.metrics,
        experiment.ranking,
        layout.item_degree,
        RankedItems(
            layout.test_items, candidates, within_third, targets, layout.clients
        ),
    )
    server_ids = None
    if sees_clients(experiment.rule()):
        own_key = key_for(key, Purpose.SERVER_IDS)
        server_ids = jax.random.permutation(own_key, layout.num_server_ids)
    return Setup(
        *(key, pairs, candidates, neighbours),
        *(within_third, targets, most_popular, server_ids),
    )


def _begin_on_each_device(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    given: GivenValues,
) -> TrainingState:
    model = experiment.model.make()
    dim = model.embedding_dim
    users, items = given.user_embeddings, given.item_embeddings
    if users is None:
        user_key = key_for(setup.key, Purpose.USER_EMBEDDINGS)
        users = model.init_embeddings(user_key, layout.num_clients, dim)
    # All are drawn by each device, as one draw of the whole table is what a seed means.
    users = users[layout.client_ids]
    if items is None:
        item_key = key_for(setup.key, Purpose.ITEM_EMBEDDINGS)
        items = model.init_embeddings(item_key, layout.num_items, dim)
    clients = ClientState(users, init_rows(experiment.client_steps(), users))
    knowledge = attack_knowledge(
        experiment, layout, setup.pairs, setup.targets, given.noise,
        _draw_public_items(experiment, layout, setup.key),
    )  # fmt: skip
    table = functools.partial(_initial_table, experiment, layout)
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
    experiment: Experiment,
    layout: Layout,
    values: Array,
    attack_key: Array,
    knowledge: Knowledge,
) -> Table:
    of_server = ServerKnowledge(layout.num_server_ids, *values.shape)
    return Table(
        values,
        init_rows(experiment.server_steps(), values),
        ask(experiment.attack.make().init, key=attack_key, knowledge=knowledge),
        init_server(experiment.rule(), of_server),
        jnp.zeros_like(values),
    )


def _on_weights(knowledge: Knowledge, num_weights: int) -> Knowledge:
    """The same knowledge for a table of one row, which everybody may poison."""
    return knowledge._replace(
        item_popularity=jnp.ones(1, jnp.int32),
        targets=knowledge.targets[:0],
        embedding_dim=num_weights,
        noise=None,
        public_items=None,
    )


def _draw_public_items(
    experiment: Experiment, layout: Layout, key: Array
) -> Array | None:
    attack = experiment.attack.make()
    if not isinstance(attack, LimitedAttack) or attack.public_items == 0:
        return None
    own_key = key_for(key, Purpose.PUBLIC_ITEMS)
    return draw_public_items(own_key, layout, attack.public_items)


def _draw_neighbours(experiment: Experiment, layout: Layout, key: Array) -> Array:
    count = experiment.model.make().neighbours_per_item
    if count == 0:
        return jnp.zeros((layout.train_items.size, 0), jnp.int32)
    assert layout.holders is not None
    own_key = key_for(key, Purpose.NEIGHBOURS)
    return draw_neighbours(own_key, layout.pair_ids, layout.holders, count)
