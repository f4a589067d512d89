"""One round taken apart: what benign clients upload, what attackers add, what results.

All that the studies know of the inside of a round is here.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr import aggregators
from jaxfr.aggregators import receive
from jaxfr.attacks import CLEAN, RoundView, malicious_uploads
from jaxfr.clients.pairs import TiledPairs
from jaxfr.clients.update import update_by_pairs
from jaxfr.models import MODELS
from jaxfr.sweeps.settings import Settings, resolve
from jaxfr.sweeps.sources import Source
from jaxfr.training import (
    Configuration,
    Hyperparameters,
    Layout,
    Setup,
    TrainingState,
    plan_layout,
    start,
    train_rounds,
)
from jaxfr.training.keys import Purpose, key_for, run_key
from jaxfr.training.settings import make_aggregator, make_attack
from jaxfr.training.start import attack_knowledge
from jaxfr.uploads import Uploads, append_tables

# Settings that the functions here decide for the training before the round.
DECIDED = (
    *("model", "negatives", "participation", "init_from"),
    *("attack", "attack_start", "malicious_ratio", "expected_byzantine"),
    *("aggregator", "aggregation"),
)


class Moment(NamedTuple):
    """The beginning of a round, and what the benign clients are about to upload.

    Attributes:
        finished: rounds before it, all of them without any attack, under the mean.
        layout: the data.
        setup: what the seed fixed.
        benign: one row for each benign client and item that it holds, with groups.
    """

    finished: int
    layout: Layout
    setup: Setup
    benign: Uploads


class Rule(NamedTuple):
    """What the server does with the uploads.

    Attributes:
        aggregator: a name of ``AGGREGATORS``.
        aggregation: ``sparse``, or ``dense`` where absent clients are zero rows.
    """

    aggregator: str
    aggregation: str


def clean_moments(
    base: Settings, source: Source, rounds: tuple[int, ...]
) -> tuple[Moment, ...]:
    """Trains without an attack and stops at some rounds.

    Args:
        base: its seed, sizes and rates count; what is in ``DECIDED`` does not.
        source: the data.
        rounds: finished rounds at which to stop, ascending.

    Returns:
        A moment for each.
    """
    clean = dataclasses.replace(
        base, attack=CLEAN, aggregator="mean", negatives="fixed", participation=1.0
    )
    resolved = resolve(clean, source.dataset.num_users)
    configuration, numbers = resolved.configuration, resolved.hyperparameters
    layout = plan_layout(source.dataset)
    # The rows of each item are only found where a rule asks for them.
    grouped = dataclasses.replace(configuration, aggregator="median")
    setup, state = start(grouped, numbers, layout, run_key(base.seed))
    moments = []
    finished = 0
    for wanted in rounds:
        if wanted > finished:
            stretch = jnp.arange(finished, wanted, dtype=jnp.int32)
            end = jnp.int32(wanted)
            state, _ = train_rounds(
                configuration, numbers, layout, setup, state, stretch, end, end
            )
            finished = wanted
        with jax.default_matmul_precision("highest"):
            benign = _benign_uploads(configuration, numbers, setup, state)
        moments.append(Moment(finished, layout, setup, benign))
    return tuple(moments)


def aggregate(
    base: Settings, moment: Moment, rule: Rule, attack: str, malicious_clients: int
) -> Array:
    """What the server makes of the round's uploads, benign and malicious.

    Args:
        base: its numbers count, such as the noise of the L attacks.
        moment: the round.
        rule: the server's rule, which expects ``malicious_clients`` Byzantine ones.
        attack: a name of ``ATTACKS``, or ``none``.
        malicious_clients: how many there are, whom all know.

    Returns:
        One row for each item, float32 ``[m, d]``.
    """
    # The attackers are those of the arguments, not those that a ratio would add.
    chosen = dataclasses.replace(
        base, attack=CLEAN, aggregator=rule.aggregator, aggregation=rule.aggregation
    )
    resolved = resolve(chosen, moment.layout.num_clients)
    numbers = resolved.hyperparameters._replace(
        malicious_clients=jnp.int32(0 if attack == CLEAN else malicious_clients),
        expected_byzantine=jnp.int32(malicious_clients),
    )
    configuration = resolved.configuration
    # An attack of nobody uploads rows of weight 0: one program for clean rounds too.
    # Of the rule, attackers only feel whether it clips.
    attackers = dataclasses.replace(
        configuration,
        attack="spattack_l_d" if attack == CLEAN else attack,
        malicious_clients=max(moment.layout.num_clients, malicious_clients),
        aggregator="norm" if rule.aggregator == "norm" else "mean",
        aggregation="sparse",
    )
    with jax.default_matmul_precision("highest"):
        malicious = _malicious_rows(attackers, numbers, moment)
        return _combine(configuration, numbers, moment.benign, malicious)


@functools.partial(jax.jit, static_argnames="configuration")
def _benign_uploads(
    configuration: Configuration,
    numbers: Hyperparameters,
    setup: Setup,
    state: TrainingState,
) -> Uploads:
    gradients = MODELS[configuration.model]().pair_gradients
    assert gradients is not None
    assert isinstance(setup.pairs.laid_out, TiledPairs)
    _, uploads = update_by_pairs(
        gradients,
        optax.identity(),
        state.clients._replace(optimizer=optax.EmptyState()),
        setup.pairs.laid_out,
        jnp.ones(state.clients.embedding.shape[0], bool),
        state.item_embeddings,
        jnp.asarray(numbers.regularization),
    )
    return uploads._replace(groups=setup.pairs.item_groups)


@functools.partial(jax.jit, static_argnames="configuration")
def _malicious_rows(
    configuration: Configuration, numbers: Hyperparameters, moment: Moment
) -> Uploads:
    attack = make_attack(configuration, numbers)
    received, _ = receive(make_aggregator(configuration, numbers), moment.benign)
    knowledge = attack_knowledge(
        configuration, numbers, moment.layout, moment.setup.max_poisoned_items
    )
    state = attack.init(key_for(moment.setup.key, Purpose.ATTACK), knowledge)
    room = jnp.arange(configuration.malicious_clients)
    view = RoundView(
        jnp.asarray(moment.finished, jnp.int32),
        moment.benign.item_embeddings,
        room < numbers.malicious_clients,
    )
    return malicious_uploads(attack, state, view, received, _no_server)[0]


@functools.partial(jax.jit, static_argnames="configuration")
def _combine(
    configuration: Configuration,
    numbers: Hyperparameters,
    benign: Uploads,
    malicious: Uploads,
) -> Array:
    found, _ = aggregators.aggregate(
        make_aggregator(configuration, numbers),
        append_tables(benign, malicious),
        jnp.asarray(numbers.expected_byzantine),
    )
    return found.rows


def _no_server(uploads: Uploads) -> Array:
    """No attack of the studies looks at the server, which is many at once here."""
    raise NotImplementedError
