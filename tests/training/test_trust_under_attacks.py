"""Whom a stage does not trust at all is as good as not there, whatever the attack."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from jaxfr.aggregators import ServerView, Stage, chain, stateless_stage
from jaxfr.parts import Part, part
from jaxfr.texts import read_part
from jaxfr.training import run_key
from jaxfr.uploads import ItemTable, Uploads
from jaxfr.uploads.clients import trust_clients
from tests.training.problem import (
    compiled_start,
    configured,
    drawn_values,
    one_round,
    small_layout,
)

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
