"""One round of federated training under attack: the page to read first.

Clients update their embeddings and upload gradients of the items that they touched; the
malicious ones see what their knowledge allows and upload what they please; the server
aggregates each item's uploads and moves the item.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxfr.aggregators import Aggregate, ServerKnowledge, ServerView
from jaxfr.aggregators.server import (
    combine,
    init_server,
    receive,
    report_server,
    sees_clients,
)
from jaxfr.attacks import LimitedAttack, RoundView
from jaxfr.attacks.base import malicious_uploads
from jaxfr.clients.negatives import TiledPairs
from jaxfr.clients.privacy import Privacy
from jaxfr.clients.sums import sum_up, update_in_sums
from jaxfr.clients.update import (
    ClientState,
    WholeClients,
    update_by_client,
    update_by_pairs,
)
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.optimizers import learn_rows
from jaxfr.showing import by_shapes
from jaxfr.side_by_side import where_needed
from jaxfr.training.judgement import Judgement, judge, no_judgement
from jaxfr.training.keys import Purpose, key_for
from jaxfr.training.layout import Layout
from jaxfr.training.pairs import Pairs, draw_pairs
from jaxfr.training.start import client_task
from jaxfr.training.state import Setup, Table, TrainingState
from jaxfr.uploads import Uploads, append_tables, with_sums


class Received(NamedTuple):
    """What the server holds of uploads, and how many it dropped as not finite."""

    uploads: Uploads
    dropped: Array

    def summed(self) -> "Received":
        """The same with one row for each item."""
        return self._replace(uploads=sum_up(self.uploads))


@by_shapes
class RoundCounts(NamedTuple):
    """What the server could count in a round, int32 scalars.

    Attributes:
        dropped: client uploads left out because they were not finite.
        overflow: rows that found no room in the tables by item; always 0 unless the
            planned capacities fail.
        judgement: of the trust in clients; None where no stage sees them.
        reported: scalars by name that the stages and the rule report, float32.
    """

    dropped: Array
    overflow: Array
    judgement: Judgement | None
    reported: dict[str, Array]


class ClientIds(NamedTuple):
    """By which numbers the server knows the clients; None where it does not ask.

    Attributes:
        own: the numbers of this device's benign clients in the data set, by which an
            attacker knows them, int32 ``[n]``.
        benign: of this device's benign clients, int32 ``[n]``.
        malicious: of the malicious clients, int32 ``[malicious_clients]``.
        number: of all ids, static.
    """

    own: Array
    benign: Array | None
    malicious: Array | None
    number: int

    @classmethod
    def of(cls, layout: Layout, setup: Setup) -> "ClientIds":
        """Those that the run's seed decided."""
        ids, number = setup.server_ids, layout.num_server_ids
        own = layout.client_ids
        if ids is None:
            return cls(own, None, None, number)
        return cls(own, ids[own], ids[layout.num_clients :], number)

    def show(self, uploads: Uploads) -> Uploads:
        """Names the client of each row as an attacker knows it."""
        if uploads.client is None:
            return uploads
        return uploads._replace(client=self.own.at[uploads.client].get(mode="clip"))

    def name(self, uploads: Uploads) -> Uploads:
        """Replaces the number of each row's client by its id, or by nothing."""
        of_bundles = None
        if self.benign is not None and uploads.client is not None:
            of_bundles = self.benign.at[uploads.client].get(mode="clip")
        tables = tuple(
            table._replace(client=self.malicious) for table in uploads.tables
        )
        return uploads._replace(client=of_bundles, tables=tables)


def train_round(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    round_number: Array,
) -> tuple[TrainingState, RoundCounts]:
    """Runs one round of federated training under attack.

    Args:
        experiment: from ``Experiment.with_data``.
        layout: the data.
        setup: what the seed fixed.
        state: the state before the round.
        round_number: from 0, int32 scalar.

    Returns:
        The state after the round, and counts.
    """
    # Who takes part.
    participation_key = key_for(setup.key, Purpose.PARTICIPATION, round_number)
    benign_part, malicious_part = choose_participants(
        experiment, layout, participation_key, round_number
    )
    pairs = setup.pairs
    if experiment.negatives == "resample":
        pairs = draw_pairs(experiment, layout, setup.key, round_number)
        setup = setup._replace(pairs=pairs)

    # Benign clients learn, and upload gradients of items and of shared weights.
    clients, of_items, of_weights = _update_clients(
        experiment, layout, setup, state, benign_part, round_number
    )

    # Malicious clients upload, the server aggregates and moves what it keeps.
    ids = ClientIds.of(layout, setup)
    attack_and_serve = functools.partial(
        _attack_and_serve, experiment, round_number, malicious_part, ids
    )
    items, found, dropped = attack_and_serve(state.items, of_items, _noticed(pairs))
    weights = state.weights
    if weights is not None and of_weights is not None:
        weights, _, dropped_weights = attack_and_serve(weights, of_weights)
        dropped += dropped_weights

    # What there is to say of the round, part of which the server cannot know.
    judgement = _judge(found, ids, benign_part, malicious_part, layout.item_third)
    reported = report_server(experiment.rule(), items.server)
    counts = RoundCounts(dropped, pairs.overflow, judgement, reported)
    return TrainingState(clients, items, weights), counts


def choose_participants(
    experiment: Experiment,
    layout: Layout,
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
    room = layout.malicious_clients
    assert experiment.malicious_clients is not None
    exists = layout.malicious_room < experiment.malicious_clients
    benign, malicious = layout.is_client, exists
    num_clients = layout.num_clients
    if experiment.participation is not None:
        drawn = jax.random.uniform(key, (num_clients + room,))
        drawn = drawn.at[num_clients:].set(jnp.where(exists, drawn[num_clients:], 2.0))
        total = num_clients + experiment.malicious_clients
        wanted = jnp.round(experiment.participation * total).astype(jnp.int32)
        place = jnp.argsort(jnp.argsort(drawn))
        chosen = place < jnp.maximum(wanted, 1)
        benign &= chosen[layout.client_ids]
        malicious &= chosen[num_clients:]
    return benign, malicious & (round_number >= experiment.attack_start)


def _update_clients(
    experiment: Experiment,
    layout: Layout,
    setup: Setup,
    state: TrainingState,
    taking_part: Array,
    round_number: Array,
) -> tuple[ClientState, Received, Received | None]:
    """The clients' part, in the form that the experiment allows, and its arrival."""
    rule = experiment.rule()
    model = experiment.model.make()
    optimizer = experiment.client_steps()
    regularization = jnp.asarray(experiment.regularization)
    now = taking_part, state.item_embeddings, regularization
    laid_out = setup.pairs.laid_out
    if isinstance(laid_out, TiledPairs):
        if not experiment.works_by_pairs or model.pair_gradients is None:
            # It would drop the clients' privacy.
            raise InvalidInputError(
                "setup: was started for another experiment, whose clients work pair by "
                "pair"
            )
        clients, uploads = update_by_pairs(
            model.pair_gradients, optimizer, state.clients, laid_out, *now
        )
        uploads = uploads._replace(groups=setup.pairs.item_groups)
        return clients, Received(*receive(rule, uploads)), None
    whole = WholeClients(layout.client_ids, layout.clients, laid_out, setup.neighbours)
    weights = None if state.weights is None else state.weights.values
    privacy = _privacy(experiment, key_for(setup.key, Purpose.PRIVACY, round_number))
    given = model, optimizer, state.clients, whole, *now

    def row_by_row() -> tuple[ClientState, Received, Received | None]:
        clients, uploads, of_weights = update_by_client(*given, weights, privacy)
        uploads = uploads._replace(groups=setup.pairs.item_groups)
        of_items = Received(*receive(rule, uploads))
        if of_weights is None:
            return clients, of_items, None
        return clients, of_items, Received(*receive(rule, of_weights))

    if privacy is not None or not experiment.sums_suffice:
        return row_by_row()

    def in_sums() -> tuple[ClientState, Received, Received | None]:
        clients, of_items, of_weights = row_by_row()
        summed = None if of_weights is None else of_weights.summed()
        return clients, of_items.summed(), summed

    # A row that is not finite is left out, which no sum can be asked for.
    clients, of_items, of_weights = update_in_sums(*given, weights)
    finite = jnp.all(jnp.isfinite(of_items.tables[0].rows))
    received, of_shared = Received(of_items, jnp.int32(0)), None
    if of_weights is not None:
        finite &= jnp.all(jnp.isfinite(of_weights.tables[0].rows))
        of_shared = Received(of_weights, jnp.int32(0))
    found = clients, received, of_shared
    return where_needed(~finite, in_sums, lambda: found)


def _privacy(experiment: Experiment, key: Array) -> Privacy | None:
    """What clients do to their uploads in the round of this key; None for nothing."""
    clip = experiment.privacy_clip
    if experiment.pseudo_items == 0 and clip is None:
        return None
    noise = jnp.asarray(experiment.privacy_noise)
    return Privacy(key, None if clip is None else jnp.asarray(clip), noise)


def _noticed(pairs: Pairs) -> Array | None:
    """Rows that an omniscient attacker counts, bool ``[rows]``; None for all."""
    if isinstance(pairs.laid_out, TiledPairs) and pairs.laid_out.noticed is not None:
        return pairs.laid_out.noticed.reshape(-1)
    return None


def _attack_and_serve(
    experiment: Experiment,
    round_number: Array,
    malicious_part: Array,
    ids: ClientIds,
    table: Table,
    arrived: Received,
    noticed: Array | None = None,
) -> tuple[Table, Aggregate, Array]:
    """The attackers' and the server's part, for one of the server's tables.

    Args:
        experiment: from ``Experiment.with_data``.
        round_number: int32 scalar.
        malicious_part: malicious clients that act, bool ``[malicious_clients]``.
        ids: by which the server knows the clients.
        table: before the round.
        arrived: what the server holds of the benign clients' uploads for it.
        noticed: scattered rows that an omniscient attacker counts, bool ``[rows]``;
            None for all.

    Returns:
        The table after the round, the aggregate, and how many client uploads were
        dropped.
    """
    rule, attack = experiment.rule(), experiment.attack.make()
    benign, dropped = arrived
    seen = benign
    if noticed is not None:
        seen = benign._replace(weight=benign.weight * noticed)
    elif not isinstance(attack, LimitedAttack):
        seen = benign = with_sums(benign)  # for the attack and the aggregator
    seen = ids.show(seen)

    told = experiment.expected_byzantine
    expected = jnp.asarray(0 if told is None else told)
    regularization = jnp.asarray(experiment.regularization)
    optimizer = experiment.server_steps()

    def serve(malicious: Uploads) -> tuple[Table, Aggregate, Array]:
        malicious, dropped_malicious = receive(rule, malicious)
        uploads = ids.name(append_tables(benign, malicious))
        server_view = ServerView(
            round_number, expected, table.last_aggregate, ids.number, regularization
        )
        found, server = combine(rule, table.server, uploads, server_view)
        moved = learn_rows(
            optimizer, table.values, table.optimizer, found.rows, found.received
        )
        after = Table(*moved, table.attack, server, last_aggregate=found.rows)
        return after, found, dropped + dropped_malicious

    task = client_task(experiment)
    num_benign = ids.number - malicious_part.size
    view = RoundView(round_number, table.values, malicious_part, task, num_benign)
    malicious, attack_state = malicious_uploads(
        attack, table.attack, view, seen, lambda uploads: serve(uploads)[0].values
    )
    after, found, dropped = serve(malicious)
    return after._replace(attack=attack_state), found, dropped


def _judge(
    found: Aggregate,
    ids: ClientIds,
    benign_part: Array,
    malicious_part: Array,
    item_third: Array,
) -> Judgement | None:
    """How well the server told clients apart; None where it sees none."""
    if ids.benign is None or ids.malicious is None:
        return None
    trust = jnp.ones(ids.number) if found.client_trust is None else found.client_trust
    of_both = trust[ids.benign], trust[ids.malicious]
    return judge(found, *of_both, benign_part, malicious_part, item_third)


def no_counts(experiment: Experiment, layout: Layout, dim: int) -> RoundCounts:
    """Those of a round in which nothing happens."""
    rule, nothing = experiment.rule(), jnp.int32(0)
    knowledge = ServerKnowledge(layout.num_server_ids, layout.num_items, dim)

    def of_start() -> dict[str, Array]:
        return report_server(rule, init_server(rule, knowledge))

    reported = jax.tree.map(jnp.zeros_like, jax.eval_shape(of_start))
    judged = no_judgement() if sees_clients(rule) else None
    return RoundCounts(nothing, nothing, judged, reported)
