"""One round taken apart: what benign clients upload, what attackers add, what results.

All that the studies know of the inside of a round is here.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxfr import aggregators
from jaxfr.aggregators import Stage, mean, median
from jaxfr.aggregators.server import receive
from jaxfr.attacks import CLEAN, RoundView
from jaxfr.attacks.base import malicious_uploads
from jaxfr.clients.negatives import TiledPairs
from jaxfr.clients.update import update_by_pairs
from jaxfr.experiment import Experiment
from jaxfr.sweeps.request import RunRequest
from jaxfr.sweeps.sources import Source
from jaxfr.texts import read_part
from jaxfr.training import (
    Layout,
    Setup,
    TrainingState,
    plan_layout,
    start,
    train_rounds,
)
from jaxfr.training.keys import Purpose, key_for, run_key
from jaxfr.training.start import attack_knowledge, client_task
from jaxfr.uploads import Uploads, append_tables

# Options that the functions here decide for the training before the round.
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
    base: RunRequest, source: Source, rounds: tuple[int, ...]
) -> tuple[Moment, ...]:
    """Trains without an attack and stops at some rounds.

    Args:
        base: its seed, sizes and rates count; what is in ``DECIDED`` does not.
        source: the data.
        rounds: finished rounds at which to stop, ascending.

    Returns:
        A moment for each.
    """
    clean = base.replace(
        attack=CLEAN, aggregator="mean", negatives="fixed", participation=1.0
    ).experiment.with_data(source.dataset.num_users)
    layout = plan_layout(source.dataset)
    # The rows of each item are only found where a rule asks for them.
    grouped = dataclasses.replace(clean, aggregator=median())
    setup, state = start(grouped, layout, run_key(base.seed))
    moments = []
    finished = 0
    for wanted in rounds:
        if wanted > finished:
            stretch = jnp.arange(finished, wanted, dtype=jnp.int32)
            end = jnp.int32(wanted)
            state, _ = train_rounds(clean, layout, setup, state, stretch, end, end)
            finished = wanted
        with jax.default_matmul_precision("highest"):
            benign = _benign_uploads(clean, setup, state)
        moments.append(Moment(finished, layout, setup, benign))
    return tuple(moments)


def aggregate(
    base: RunRequest, moment: Moment, rule: Rule, attack: str, malicious_clients: int
) -> Array:
    """What the server makes of the round's uploads, benign and malicious.

    Args:
        base: its numbers count, such as the share of a trimmed mean.
        moment: the round.
        rule: the server's rule, which expects ``malicious_clients`` Byzantine ones.
        attack: as a text, such as ``lie:1.5``, or ``none``.
        malicious_clients: how many there are, whom all know.

    Returns:
        One row for each item, float32 ``[m, d]``.
    """
    # The attackers are those of the arguments, not those that a ratio would add.
    chosen = base.replace(
        attack=CLEAN,
        aggregator=rule.aggregator,
        aggregation=rule.aggregation,
        malicious_clients=jnp.int32(0 if attack == CLEAN else malicious_clients),
        expected_byzantine=jnp.int32(malicious_clients),
    ).experiment.with_data(moment.layout.num_clients)
    # An attack of nobody uploads rows of weight 0: one program for clean rounds too.
    # Of the rule, attackers only feel whether it clips.
    attackers = dataclasses.replace(
        chosen,
        attack=read_part("attack", "spattack_l_d" if attack == CLEAN else attack),
        aggregator=mean() if chosen.rule().before == Stage() else chosen.aggregator,
        aggregation="sparse",
    )
    room = max(moment.layout.num_clients, malicious_clients)
    roomy = moment._replace(layout=moment.layout.with_room(room))
    with jax.default_matmul_precision("highest"):
        malicious = _malicious_rows(attackers, roomy)
        return _combine(chosen, moment.benign, malicious)


@jax.jit
def _benign_uploads(
    experiment: Experiment, setup: Setup, state: TrainingState
) -> Uploads:
    gradients = experiment.model.make().pair_gradients
    assert gradients is not None
    assert isinstance(setup.pairs.laid_out, TiledPairs)
    _, uploads = update_by_pairs(
        gradients,
        optax.identity(),
        state.clients._replace(optimizer=optax.EmptyState()),
        setup.pairs.laid_out,
        jnp.ones(state.clients.embedding.shape[0], bool),
        state.item_embeddings,
        jnp.asarray(experiment.regularization),
    )
    return uploads._replace(groups=setup.pairs.item_groups)


@jax.jit
def _malicious_rows(experiment: Experiment, moment: Moment) -> Uploads:
    attack, layout = experiment.attack.make(), moment.layout
    received, _ = receive(experiment.rule(), moment.benign)
    knowledge = attack_knowledge(experiment, layout, moment.setup.pairs)
    state = attack.init(key_for(moment.setup.key, Purpose.ATTACK), knowledge)
    assert experiment.malicious_clients is not None
    view = RoundView(
        jnp.asarray(moment.finished, jnp.int32),
        moment.benign.item_embeddings,
        layout.malicious_room < experiment.malicious_clients,
        client_task(experiment),
    )
    return malicious_uploads(attack, state, view, received, _no_server)[0]


@jax.jit
def _combine(experiment: Experiment, benign: Uploads, malicious: Uploads) -> Array:
    found, _ = aggregators.aggregate(
        experiment.rule(),
        append_tables(benign, malicious),
        jnp.asarray(experiment.expected_byzantine),
    )
    return found.rows


def _no_server(uploads: Uploads) -> Array:
    """No attack of the studies looks at the server, which is many at once here."""
    raise NotImplementedError
