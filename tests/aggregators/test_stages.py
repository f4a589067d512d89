"""Stages have a state of their own, and run in the order in which they are chained."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import (
    Rule,
    ServerKnowledge,
    ServerView,
    Stage,
    aggregate,
    clip_by_norm,
    krum,
    row_wise,
    stateless_stage,
)
from jaxfr.aggregators.base import chained
from jaxfr.aggregators.server import combine, init_server, receive, sees_clients
from jaxfr.errors import InvalidInputError
from jaxfr.uploads.clients import MOST_CLIENTS, trust_clients

from .defended import CLIENTS, uploads_of_clients
from .oracles import MEAN, MEDIAN
from .samples import DIM, NUM_ITEMS, factored_uploads, grouped, scaled

KNOWLEDGE = ServerKnowledge(CLIENTS, NUM_ITEMS, DIM)
CLIP, LOOSER_CLIP = clip_by_norm(1.0).make(), clip_by_norm(2.0).make()
UPLOADS = grouped(factored_uploads([3, 0, 2, 9], seed=0))


def scale_by_round() -> Stage:
    """Multiplies all rows by the number of rounds that it has seen."""

    def update(state, uploads, view):
        del view
        return scaled(uploads, state + 1.0), state + 1

    return Stage(lambda knowledge: jnp.int32(0), update)


def add_last_aggregate() -> Stage:
    return stateless_stage(
        lambda uploads, view: uploads._replace(
            item_embeddings=uploads.item_embeddings + view.last_aggregate
        )
    )


def seen(round_number: int, last: jnp.ndarray) -> ServerView:
    return ServerView(jnp.int32(round_number), jnp.int32(0), last, CLIENTS)


def test_a_stage_gets_back_the_state_that_it_left():
    rule = chained(scale_by_round(), MEAN)
    state, last = init_server(rule, KNOWLEDGE), jnp.zeros((NUM_ITEMS, DIM))
    plain = np.asarray(aggregate(MEAN, UPLOADS, jnp.int32(0))[0].rows)
    for number in range(3):
        found, state = combine(rule, state, UPLOADS, seen(number, last))
        np.testing.assert_allclose(found.rows, (number + 1) * plain, rtol=1e-6)


def test_a_stage_sees_the_last_aggregate():
    rule, last = chained(add_last_aggregate(), MEAN), jnp.ones((NUM_ITEMS, DIM))
    found, _ = combine(rule, init_server(rule, KNOWLEDGE), UPLOADS, seen(1, last))
    moved = UPLOADS._replace(item_embeddings=UPLOADS.item_embeddings + 1)
    expected, _ = aggregate(MEAN, moved, jnp.int32(0))
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_a_rule_gets_back_the_state_that_it_left():
    def update(state, uploads, view):
        return MEAN.update((), uploads, view)[0] * state, state + 1

    rule = chained(CLIP, Rule(lambda knowledge: jnp.float32(1), update))
    state, last = init_server(rule, KNOWLEDGE), jnp.zeros((NUM_ITEMS, DIM))
    plain = np.asarray(aggregate(chained(CLIP, MEAN), UPLOADS, jnp.int32(0))[0].rows)
    for number in range(3):
        received, _ = receive(rule, UPLOADS)
        found, state = combine(rule, state, received, seen(number, last))
        np.testing.assert_allclose(found.rows, (number + 1) * plain, rtol=1e-6)


def test_a_chain_of_chains_is_the_chain_of_all_parts():
    parts = LOOSER_CLIP, scale_by_round(), CLIP, scale_by_round()
    flat = aggregate(chained(*parts, MEDIAN), UPLOADS, jnp.int32(0))[0].rows
    for cut in range(len(parts) + 1):
        first, rest = chained(*parts[:cut]), chained(*parts[cut:], MEDIAN)
        found = aggregate(chained(first, rest), UPLOADS, jnp.int32(0))[0].rows
        np.testing.assert_array_equal(found, flat)
    assert isinstance(chained(*parts), Stage)


def test_rows_change_as_they_arrive_until_a_stage_waits_for_all():
    halve = row_wise(lambda uploads: scaled(uploads, 0.5))
    for parts, factor in (
        ((halve, halve), 0.25),
        ((halve, scale_by_round(), halve), 0.5),
        ((scale_by_round(), halve), 1.0),
    ):
        arrived, _ = receive(chained(*parts, MEAN), UPLOADS)
        np.testing.assert_array_equal(arrived.vectors, UPLOADS.vectors * factor)
        # By the end each part has been at work once.
        found = aggregate(chained(*parts, MEAN), UPLOADS, jnp.int32(0))[0].rows
        halves = 0.5 ** parts.count(halve)
        plain = aggregate(MEAN, UPLOADS, jnp.int32(0))[0].rows
        np.testing.assert_allclose(found, halves * plain, rtol=1e-6)


def test_nothing_but_stages_stands_before_the_end_of_a_chain():
    with pytest.raises(InvalidInputError, match="before the end"):
        chained(MEAN, CLIP)  # type: ignore[call-overload]
    with pytest.raises(InvalidInputError, match="before the end"):
        chained(MEAN, MEDIAN)  # type: ignore[call-overload]


def test_a_chain_sees_clients_if_a_part_does():
    trusting = stateless_stage(lambda uploads, view: uploads, sees_clients=True)
    assert sees_clients(chained(CLIP, chained(trusting), MEAN))
    assert not sees_clients(chained(CLIP, scale_by_round(), MEAN))


def test_a_chain_expects_byzantine_clients_if_a_part_does():
    expecting = stateless_stage(lambda uploads, view: uploads, expects_byzantine=True)
    assert chained(CLIP, chained(expecting)).expects_byzantine
    assert chained(CLIP, chained(expecting), MEAN).expects_byzantine
    assert chained(CLIP, krum().make()).expects_byzantine
    assert not chained(CLIP, MEAN).expects_byzantine


def test_more_clients_than_trust_can_be_counted_of_are_refused():
    trusting = stateless_stage(lambda uploads, view: uploads, sees_clients=True)
    crowd = KNOWLEDGE._replace(num_clients=MOST_CLIENTS + 1)
    with pytest.raises(ValueError, match="clients"):
        init_server(chained(trusting, MEAN), crowd)
    init_server(MEAN, crowd)


def test_a_stage_that_trusts_has_to_know_the_clients():
    nobody = uploads_of_clients(0, "single_rows")._replace(client=None)
    stage = stateless_stage(
        lambda uploads, view: trust_clients(uploads, jnp.ones(CLIENTS)),
        sees_clients=True,
    )
    with pytest.raises(ValueError, match="which client"):
        aggregate(chained(stage, MEAN), nobody, jnp.int32(0), CLIENTS)
