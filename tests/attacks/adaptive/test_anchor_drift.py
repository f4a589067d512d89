"""Rows around a defense's anchor, against the formula and the defense itself."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import ServerKnowledge, ServerView, centred_clipping
from jaxfr.attacks import anchor_drift
from jaxfr.uploads import append_tables
from tests.attacks.adaptive.population import (
    BENIGN,
    DIM,
    EVERYONE,
    MALICIOUS,
    NUM_ITEMS,
    SOME,
    TASK,
    Population,
    population,
    send,
)

RADIUS = 0.7


def opposite(sums: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return -sums / np.where(length > 0, length, 1)


@pytest.mark.parametrize("acting", [EVERYONE, SOME])
def test_rows_are_the_last_change_and_a_push_that_the_first_rows_decided(acting):
    rounds = [population(seed) for seed in range(3)]
    push = opposite(rounds[0].sums)
    assert not push[7].any()  # nobody sent item 7 a row; later somebody does
    rounds[1:] = [population(seed, without=()) for seed in (1, 2)]
    push[7] = opposite(rounds[1].sums)[7]
    state = None
    for number, seen in enumerate(rounds):
        sent = send(anchor_drift(RADIUS), seen, acting, number, state)
        state, expected = sent.after, RADIUS * push
        if number == 0:
            expected[7] = 0
        else:
            before = rounds[number - 1].items
            expected = expected + (before - seen.items) / TASK.learning_rate
        np.testing.assert_array_equal(sent.sends[:, 0], np.tile(acting, (NUM_ITEMS, 1)))
        np.testing.assert_allclose(sent.rows[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_centred_clipping_leaves_them_as_they_are_and_its_anchor_drifts():
    seen, rule = population(0, without=()), centred_clipping(RADIUS).make()
    server = rule.init(ServerKnowledge(BENIGN + MALICIOUS, NUM_ITEMS, DIM))
    push, state, anchors = opposite(seen.sums), None, []
    for number in range(4):
        sent = send(anchor_drift(RADIUS), seen, EVERYONE, number, state)
        state = sent.after
        np.testing.assert_allclose(
            sent.rows[:, 0] - np.asarray(server), RADIUS * push, rtol=1e-3, atol=1e-4
        )
        both = append_tables(seen.uploads, sent.uploads)
        view = ServerView(jnp.int32(number), jnp.int32(0), server, BENIGN + MALICIOUS)
        anchor, server = rule.update(server, both, view)
        anchors.append(np.sum(np.asarray(anchor) * push, axis=1))
        seen = moved(seen, np.asarray(anchor))
    # Where attackers are the most, each round carries the anchor on.
    few = seen.sent.sum(axis=1) < MALICIOUS
    assert few.any()
    assert (np.diff(np.stack(anchors)[:, few], axis=0) > 0).all()


def moved(seen: Population, aggregate: np.ndarray) -> Population:
    """The same rows in a round that begins where the server led the table."""
    items = seen.items - TASK.learning_rate * aggregate
    uploads = seen.uploads._replace(item_embeddings=jnp.asarray(items, jnp.float32))
    return seen._replace(items=items, uploads=uploads)
