"""A server with memory that sees clients, in whole runs and over devices."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import Rule, Stage, chain, mean, median, stateless_stage
from jaxfr.devices import Own, device_index
from jaxfr.parts import Number, Part, part
from jaxfr.training import plan_layout, start
from jaxfr.training.keys import run_key
from jaxfr.training.run import train_rounds
from jaxfr.training.state import TrainingState
from jaxfr.uploads.clients import rows_by_client, trust_clients
from tests.training.problem import DIM, NUM_USERS, ROOM, configured, small_dataset

ROUNDS = 3


def trained(
    aggregator: Part[Stage | Rule], devices: int = 1, model: str = f"fedmf:{DIM}"
) -> TrainingState:
    """The state after some rounds under attack, with this server."""
    experiment = configured("spattack_o_d", aggregator, model=model, learning_rate=0.5)
    layout = plan_layout(small_dataset(), devices, ROOM)
    setup, state = start(experiment, layout, run_key(0))
    numbers = jnp.arange(ROUNDS, dtype=jnp.int32)
    rounds = jnp.int32(ROUNDS), jnp.int32(0)
    return train_rounds(experiment, layout, setup, state, numbers, *rounds)[0]


@part
def budget(largest: Number) -> Stage:
    """Trusts clients less the more rows they send."""

    def trust(uploads, view):
        sent = rows_by_client(uploads, view.num_clients)
        return trust_clients(uploads, jnp.minimum(1, largest / jnp.maximum(sent, 1)))

    return stateless_stage(trust, sees_clients=True)


class Counted(NamedTuple):
    """Rows of each client in all rounds, and what each device has counted."""

    rows: jax.Array
    own: Own[jax.Array]


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
    state = trained(chain(count_rows(), mean()))
    counted = state.items.server[0][0]
    rows = np.sort(np.asarray(counted.rows))
    items = state.item_embeddings.shape[0]
    assert rows.shape == (NUM_USERS + ROOM,)
    # Each malicious client sends a row for every item, no benign one does.
    assert (rows == ROUNDS * items).sum() == ROOM
    assert rows.min() > 0
    assert not np.array_equal(counted.rows, rows)  # in no order


@pytest.mark.skipif("jax.device_count() < 2", reason="takes two devices")
def test_a_server_that_sees_clients_ends_alike_on_several_devices():
    run = functools.partial(trained, model=f"fedgnn:{DIM}")
    rule = chain(count_rows(), budget(8), median())
    alone, both = run(rule), run(rule, devices=2)
    np.testing.assert_allclose(
        both.item_embeddings, alone.item_embeddings, rtol=1e-4, atol=1e-5
    )
    counted, on_both = (state.items.server[0][0] for state in (alone, both))
    np.testing.assert_array_equal(on_both.rows, counted.rows)
    np.testing.assert_array_equal(counted.own, [ROUNDS] * 2)
    np.testing.assert_array_equal(on_both.own, [ROUNDS] * 2 + [10 + ROUNDS] * 2)
    plain = run(median()).item_embeddings
    assert np.abs(alone.item_embeddings - plain).max() > 1e-3
    assert np.abs(alone.items.last_aggregate).max() > 1e-3


def test_nothing_is_learned_where_nobody_is_trusted():
    state = trained(chain(budget(0), mean()))
    np.testing.assert_array_equal(state.items.last_aggregate, 0)
