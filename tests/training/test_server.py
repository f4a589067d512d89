"""Stages of the server that see clients, in whole runs and in what records say."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxfr.aggregators import (
    Rule,
    ServerView,
    Stage,
    bucketing,
    centred_clipping,
    chain,
    mean,
    median,
    nearest_neighbour_mixing,
    realisable,
    stateless_stage,
)
from jaxfr.devices import Own, device_index
from jaxfr.parts import Number, Part, part
from jaxfr.texts import read_part
from jaxfr.training import layout_for, run_key, start, train_rounds
from jaxfr.training.judgement import FIELDS, Judgement, as_fields
from jaxfr.training.round import RoundCounts
from jaxfr.training.state import TrainingState
from jaxfr.uploads import ItemTable, Uploads
from jaxfr.uploads.clients import rows_by_client, trust_clients
from tests.training.problem import (
    DIM,
    NUM_ITEMS,
    NUM_USERS,
    ROOM,
    compiled_start,
    configured,
    drawn_values,
    one_round,
    small_dataset,
    small_layout,
)

ROUNDS = 3
takes_two = pytest.mark.skipif("jax.device_count() < 2", reason="takes two devices")


def trained(
    aggregator: Part[Stage | Rule], devices: int = 1, **changes: Any
) -> tuple[TrainingState, RoundCounts]:
    """After some rounds under an attack that sends every item a row."""
    changes = {"learning_rate": 0.5, **changes}
    experiment = configured("spattack_o_d", aggregator, **changes)
    layout = layout_for(experiment, small_dataset(), devices)
    setup, state = start(experiment, layout, run_key(0))
    numbers = jnp.arange(ROUNDS, dtype=jnp.int32)
    schedule = numbers, jnp.int32(ROUNDS), jnp.int32(0)
    state, report = train_rounds(experiment, layout, setup, state, *schedule)
    return state, report.counts


# --- what stages see and keep ---


@part
def budget(largest: Number) -> Stage:
    """Trusts clients less the more rows they send."""

    def trust(uploads, view):
        sent = rows_by_client(uploads, view.num_clients)
        return trust_clients(uploads, jnp.minimum(1, largest / jnp.maximum(sent, 1)))

    return stateless_stage(trust, sees_clients=True)


class Counted(NamedTuple):
    """Rows of each client in all rounds, and what each device has counted."""

    rows: Array
    own: Own[Array]


@part
def count_rows() -> Stage:
    def init(knowledge):
        rows = jnp.zeros(knowledge.num_clients, jnp.int32)
        return Counted(rows, jnp.full(2, 10 * device_index()))

    def update(state, uploads, view):
        rows = state.rows + rows_by_client(uploads, view.num_clients)
        return uploads, Counted(rows, state.own + 1)

    return Stage(init, update, sees_clients=True)


def test_the_server_sees_the_rows_of_every_client_malicious_ones_among_them():
    state, _ = trained(chain(count_rows(), mean()))
    counted = state.items.server[0][0]
    rows = np.sort(np.asarray(counted.rows))
    assert rows.shape == (NUM_USERS + ROOM,)
    # Each malicious client sends a row for every item, no benign one does.
    assert (rows == ROUNDS * NUM_ITEMS).sum() == ROOM
    assert rows.min() > 0
    assert not np.array_equal(counted.rows, rows)  # in no order


@takes_two
def test_a_server_that_sees_clients_ends_alike_on_several_devices():
    run = functools.partial(trained, model=f"fedgnn:{DIM}")
    rule = chain(count_rows(), budget(8), median())
    (alone, one), (both, two) = run(rule), run(rule, devices=2)
    np.testing.assert_allclose(
        both.item_embeddings, alone.item_embeddings, rtol=1e-4, atol=1e-5
    )
    close = functools.partial(np.testing.assert_allclose, rtol=1e-6)
    jax.tree.map(close, one.judgement, two.judgement)
    counted, on_both = (state.items.server[0][0] for state in (alone, both))
    np.testing.assert_array_equal(on_both.rows, counted.rows)
    np.testing.assert_array_equal(counted.own, [ROUNDS] * 2)
    np.testing.assert_array_equal(on_both.own, [ROUNDS] * 2 + [10 + ROUNDS] * 2)
    plain = run(median())[0].item_embeddings
    assert np.abs(alone.item_embeddings - plain).max() > 1e-3
    assert np.abs(alone.items.last_aggregate).max() > 1e-3


@takes_two
def test_rows_that_stages_made_end_alike_on_several_devices():
    run = functools.partial(trained, model=f"fedgnn:{DIM}")
    rule = chain(bucketing(), nearest_neighbour_mixing(), centred_clipping(0.1))
    (alone, _), (both, _) = run(rule), run(rule, devices=2)
    np.testing.assert_allclose(
        both.item_embeddings, alone.item_embeddings, rtol=1e-4, atol=1e-5
    )
    plain = run(centred_clipping(0.1))[0].item_embeddings
    assert np.abs(alone.item_embeddings - plain).max() > 1e-3


def test_nothing_is_learned_where_nobody_is_trusted():
    state, _ = trained(chain(budget(0), mean()))
    np.testing.assert_array_equal(state.items.last_aggregate, 0)


def test_what_honest_clients_send_could_be_sent_by_honest_clients():
    """That is, their rows stay as they are; those of attackers do not."""
    honest = {"regularization": 0.3, "attack_start": ROUNDS}
    for changes, same in ((honest, True), ({}, False)):
        plain, _ = trained(mean(), **changes)
        found, _ = trained(chain(realisable(), mean()), **changes)
        aggregates = found.items.last_aggregate, plain.items.last_aggregate
        assert np.allclose(*aggregates, rtol=1e-3, atol=1e-5) == same


# --- whom a stage does not trust at all is as good as not there ---

# Attackers who all send one row or each their own, of all items or some, and rules
# that count rows or clients.
PAIRS = [
    *(("spattack_o_d", "mean"), ("spattack_l_s", "median"), ("lie", "trimmed_mean")),
    *(("gaussian", "krum"), ("label_flip", "classic_trimmed_mean")),
]


def dropped_clients(view: ServerView) -> Array:
    """Every second id, benign and malicious ones."""
    return jnp.arange(view.num_clients) % 2 == 0


@part
def by_trust() -> Stage:
    def drop(uploads: Uploads, view: ServerView) -> Uploads:
        return trust_clients(uploads, 1.0 - dropped_clients(view))

    return stateless_stage(drop, sees_clients=True)


@part
def by_hand() -> Stage:
    def drop(uploads: Uploads, view: ServerView) -> Uploads:
        gone = dropped_clients(view)
        assert uploads.client is not None
        rows = jnp.repeat(gone[uploads.client], uploads.rows_per_bundle)
        tables = tuple(without(table, gone) for table in uploads.tables)
        return uploads._replace(weight=uploads.weight * ~rows, tables=tables)

    return stateless_stage(drop, sees_clients=True)


def without(table: ItemTable, gone: Array) -> ItemTable:
    assert table.senders is not None
    assert table.client is not None
    kept = jnp.sum(table.senders & ~gone[table.client], axis=-1, dtype=jnp.int32)
    weight = jnp.where(table.weight > 0, kept, 0)
    return table._replace(weight=jnp.broadcast_to(weight, table.weight.shape))


def after_a_round(attack: str, stage: Part[Stage], rule: str) -> np.ndarray:
    aggregator = chain(stage, read_part("aggregator", rule))
    experiment = configured(attack, aggregator, learning_rate=0.5)
    arguments = experiment, small_layout(), run_key(0), drawn_values()
    setup, state = compiled_start(*arguments)
    state, _ = one_round(experiment, small_layout(), setup, state, jnp.int32(0))
    return np.asarray(state.item_embeddings)


@pytest.mark.parametrize(("attack", "rule"), PAIRS)
def test_dropping_clients_by_trust_is_dropping_their_rows(attack, rule):
    found, expected = (
        after_a_round(attack, stage, rule) for stage in (by_trust(), by_hand())
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    before = drawn_values().item_embeddings
    assert before is not None
    assert not np.allclose(found, before, atol=1e-3)  # the round did something


# --- whether stages tell malicious clients from benign ones, as records say ---


@part
def trusting(of_all: Number, of_few: Number) -> Stage:
    """Trusts who sends a row for every item, as attackers do, and who sends fewer."""

    def trust(uploads, view):
        sends_all = rows_by_client(uploads, view.num_clients) == NUM_ITEMS
        return trust_clients(uploads, jnp.where(sends_all, of_all, of_few))

    return stateless_stage(trust, sees_clients=True)


@part
def counting() -> Stage:
    """Counts rounds, and reports how many there were."""
    return Stage(
        lambda server: jnp.float32(0),
        lambda rounds, uploads, view: (uploads, rounds + 1),
        report=lambda rounds: {"rounds_seen": rounds, "half": rounds / 2},
    )


def judgement_of(
    of_all: float, of_few: float, rule: Part[Rule], **changes: Any
) -> Judgement:
    stage = trusting(of_all, of_few)
    judgement = trained(chain(stage, rule), **changes)[1].judgement
    assert judgement is not None
    return judgement


def test_who_distrusts_attackers_alone_is_precise_and_complete():
    found = as_fields(judgement_of(0.0, 1.0, median()))
    assert found == pytest.approx(
        dict.fromkeys(FIELDS, 0.0) | {"trust_precision": 1.0, "trust_recall": 1.0}
    )


def test_distrust_counts_by_its_amount():
    found = as_fields(judgement_of(0.25, 0.5, mean()))
    of_malicious, of_benign = 0.75 * ROOM, 0.5 * NUM_USERS
    assert found["trust_recall"] == pytest.approx(0.75)
    assert found["benign_distrust"] == pytest.approx(0.5)
    expected = of_malicious / (of_malicious + of_benign)
    assert found["trust_precision"] == pytest.approx(expected)


def test_where_all_are_trusted_nobody_is_told_apart():
    judgement = judgement_of(1.0, 1.0, mean())
    found = as_fields(judgement)
    assert found["trust_precision"] is None
    assert found["trust_recall"] == found["benign_distrust"] == 0.0
    weight = np.sum(judgement.malicious_weight, axis=1)
    np.testing.assert_array_equal(weight, np.full(ROUNDS, ROOM * NUM_ITEMS))
    np.testing.assert_array_less(weight, np.sum(judgement.weight, axis=1))


def test_only_attackers_that_act_are_looked_for():
    judgement = judgement_of(0.0, 1.0, mean(), attack_start=1)
    np.testing.assert_array_equal(judgement.malicious, [0, ROOM, ROOM])
    np.testing.assert_array_equal(judgement.benign, [NUM_USERS] * ROUNDS)


def test_what_stages_report_is_told_of_every_round_and_without_clients_none_is_judged():
    _, counts = trained(chain(counting(), mean()))
    assert counts.judgement is None
    np.testing.assert_array_equal(counts.reported["rounds_seen"], [1, 2, 3])
    np.testing.assert_array_equal(counts.reported["half"], [0.5, 1, 1.5])


def test_shares_are_of_sums_over_rounds_and_none_where_there_is_nobody():
    random = np.random.default_rng(0)
    numbers = *random.random((4, 5)), *random.random((2, 5, 3))
    rounds = Judgement(*map(jnp.asarray, numbers))
    benign = rounds.distrusted_benign.sum()
    malicious = rounds.distrusted_malicious.sum()
    expected = [malicious / (benign + malicious), malicious / rounds.malicious.sum()]
    expected += [benign / rounds.benign.sum()]
    expected += (rounds.malicious_weight.sum(0) / rounds.weight.sum(0)).tolist()
    found = as_fields(rounds)
    np.testing.assert_allclose([found[name] for name in FIELDS], expected, rtol=1e-5)
    nothing = jax.tree.map(jnp.zeros_like, rounds)
    assert as_fields(nothing) == dict.fromkeys(FIELDS)
