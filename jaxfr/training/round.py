"""One round: clients, uploads, attack, aggregation, server."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr.aggregators import receive
from jaxfr.attacks import OmniscientAttack, RoundView, malicious_uploads
from jaxfr.clients.pairs import TiledPairs
from jaxfr.clients.update import ClientState, update_by_client, update_by_pairs
from jaxfr.models import MODELS
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.layout import Layout
from jaxfr.training.settings import (
    OPTIMIZERS,
    Configuration,
    Hyperparameters,
    make_aggregator,
    make_attack,
)
from jaxfr.training.start import (
    Pairs,
    Setup,
    TrainingState,
    draw_pairs,
    pairs_of_device,
)
from jaxfr.uploads import Uploads, append_tables, row_counts, with_sums


class RoundCounts(NamedTuple):
    """What the server could count in a round, int32 scalars.

    Attributes:
        dropped: client uploads left out because they were not finite.
        overflow: rows that found no room in the tables by item; always 0 unless the
            planned capacities fail.
    """

    dropped: Array
    overflow: Array


def choose_participants(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    num_clients: int,
    key: Array,
    round_number: Array,
) -> tuple[Array, Array]:
    """Chooses who takes part in a round.

    Of all clients, benign and malicious, the server draws the share ``participation``
    without replacement. Malicious clients that do not exist, or whose attack has not
    started, send nothing.

    Returns:
        bool ``[n]`` for benign and ``[malicious_clients]`` for malicious clients.
    """
    room = configuration.malicious_clients
    exists = jnp.arange(room) < hyperparameters.malicious_clients
    benign = jnp.ones(num_clients, bool)
    malicious = exists
    if configuration.partial_participation:
        drawn = jax.random.uniform(key, (num_clients + room,))
        drawn = jnp.where(jnp.concatenate([benign, exists]), drawn, 2.0)
        total = num_clients + hyperparameters.malicious_clients
        wanted = jnp.round(hyperparameters.participation * total).astype(jnp.int32)
        place = jnp.argsort(jnp.argsort(drawn))
        chosen = place < jnp.maximum(wanted, 1)
        benign, malicious = chosen[:num_clients], chosen[num_clients:] & exists
    return benign, malicious & (round_number >= hyperparameters.attack_start)


def train_round(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_number: Array,
) -> tuple[TrainingState, RoundCounts]:
    """Runs one round of federated training under attack.

    Args:
        configuration: static settings.
        hyperparameters: traced settings.
        layout: the data.
        setup: what the seed fixed; where the run is spread over devices, with the
            pairs of this one.
        state: the state before the round.
        round_number: from 0, int32 scalar.

    Returns:
        The state after the round, and counts.
    """
    aggregator = make_aggregator(configuration, hyperparameters)
    attack = make_attack(configuration, hyperparameters)
    benign_part, malicious_part = choose_participants(
        configuration,
        hyperparameters,
        layout.num_clients,
        key_for(setup.key, Purpose.PARTICIPATION, round_number),
        round_number,
    )
    pairs = setup.pairs
    if configuration.negatives == "resample":
        negatives_key = key_for(setup.key, Purpose.NEGATIVES, round_number)
        model = MODELS[configuration.model]()
        pairs = draw_pairs(negatives_key, layout, model, aggregator.needs_groups)
        pairs = pairs_of_device(pairs)

    clients, benign = _update_clients(
        configuration, hyperparameters, layout, pairs, state, benign_part
    )
    benign, dropped = receive(aggregator, benign._replace(groups=pairs.item_groups))
    if isinstance(attack, OmniscientAttack):
        benign = with_sums(benign)  # for the attack and the aggregator

    view = RoundView(round_number, state.item_embeddings, malicious_part)
    malicious, attack_state = malicious_uploads(attack, state.attack, view, benign)
    malicious, dropped_malicious = receive(aggregator, malicious)

    uploads = append_tables(benign, malicious)
    update = aggregator.combine(
        uploads, jnp.asarray(hyperparameters.expected_byzantine)
    )
    learning_rate = jnp.asarray(hyperparameters.learning_rate)
    items, server_state = _server_step(
        OPTIMIZERS[configuration.server_optimizer](learning_rate),
        state,
        update,
        received=row_counts(uploads) > 0,
    )
    new_state = TrainingState(clients, items, server_state, attack_state)
    return new_state, RoundCounts(dropped + dropped_malicious, pairs.overflow)


def _update_clients(
    configuration: Configuration,
    hyperparameters: Hyperparameters,
    layout: Layout,
    pairs: Pairs,
    state: TrainingState,
    taking_part: Array,
) -> tuple[ClientState, Uploads]:
    """The clients' part, in the form that the model allows."""
    model = MODELS[configuration.model]()
    learning_rate = jnp.asarray(hyperparameters.learning_rate)
    optimizer = OPTIMIZERS[configuration.client_optimizer](learning_rate)
    now = (
        taking_part,
        state.item_embeddings,
        jnp.asarray(hyperparameters.regularization),
    )
    if isinstance(pairs.laid_out, TiledPairs):
        assert model.pair_gradients is not None
        return update_by_pairs(
            model.pair_gradients, optimizer, state.clients, pairs.laid_out, *now
        )
    return update_by_client(
        model, optimizer, state.clients, layout.clients, pairs.laid_out, *now
    )


def _server_step(
    optimizer: optax.GradientTransformation,
    state: TrainingState,
    update: Array,
    received: Array,
) -> tuple[Array, optax.OptState]:
    """Moves the items that received an upload; the others stay as they are."""
    step, optimizer_state = optimizer.update(
        update, state.server_optimizer, state.item_embeddings
    )
    moved = jnp.asarray(optax.apply_updates(state.item_embeddings, step))
    items = jnp.where(received[:, None], moved, state.item_embeddings)
    return items, optimizer_state
