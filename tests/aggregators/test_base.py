"""What rules have in common: receiving, chaining, batching."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import (
    ServerKnowledge,
    ServerView,
    aggregate,
    clip_by_norm,
    row_wise,
    stateless_stage,
)
from jaxfr.aggregators.base import chained, keep_rows
from jaxfr.aggregators.server import combine, init_server, receive
from jaxfr.errors import InvalidInputError
from jaxfr.uploads import ItemTable, Uploads, item_sums, row_counts, uploads_of

from .oracles import KRUM, MEAN, NORM, TRIMMED_MEAN, aggregated, run
from .samples import (
    DIM,
    NUM_ITEMS,
    every_kind,
    factored_uploads,
    grouped,
    rows_of_one_item,
    scaled,
)

KNOWLEDGE = ServerKnowledge(0, NUM_ITEMS, DIM)


@row_wise
def double(uploads: Uploads) -> Uploads:
    return scaled(uploads, 2.0)


def test_transforms_are_applied_the_first_one_first():
    uploads = rows_of_one_item([[3, 0, 0]])
    clip = clip_by_norm(1.0).make()
    doubled_last = aggregated(chained(clip, double, MEAN), uploads, 0)
    doubled_first = aggregated(chained(double, clip, MEAN), uploads, 0)
    np.testing.assert_allclose(doubled_last[0], [2, 0, 0])
    np.testing.assert_allclose(doubled_first[0], [1, 0, 0])


def test_a_chain_is_a_rule_that_can_be_chained_outside_first():
    uploads = rows_of_one_item([[3, 0, 0]])
    inner = chained(clip_by_norm(1.0).make(), MEAN)
    found = aggregated(chained(double, inner), uploads, 0)
    np.testing.assert_allclose(found[0], [1, 0, 0])


@every_kind
def test_a_chain_of_nothing_is_the_rule_itself(kind):
    uploads = grouped(factored_uploads([3, 0, 2, 9], seed=0, kind=kind))
    np.testing.assert_array_equal(
        aggregated(chained(MEAN), uploads, 0), aggregated(MEAN, uploads, 0)
    )
    assert keep_rows(uploads) is uploads


@every_kind
def test_receiving_drops_first_and_then_transforms(kind):
    uploads = grouped(factored_uploads([3, 0, 2, 9], seed=1, max_weight=3, kind=kind))
    broken = uploads._replace(scale=uploads.scale.at[jnp.array([0, 5])].set(jnp.nan))
    received, dropped = receive(NORM[0], broken)
    lost = np.asarray(uploads.weight)[[0, 5]].sum()
    assert dropped == lost
    assert row_counts(received).sum() == row_counts(uploads).sum() - lost
    assert np.isfinite(item_sums(received)).all()


@every_kind
def test_aggregating_is_receiving_and_combining(kind):
    uploads = grouped(factored_uploads([3, 0, 2, 9], seed=2, kind=kind))
    uploads = uploads._replace(scale=uploads.scale.at[4].set(jnp.inf))
    received, dropped = receive(NORM[0], uploads)
    found, counted = aggregate(NORM[0], uploads, jnp.int32(1))
    view = ServerView(jnp.int32(0), jnp.int32(1), jnp.zeros((NUM_ITEMS, DIM)), 0)
    expected, _ = combine(NORM[0], init_server(NORM[0], KNOWLEDGE), received, view)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert counted == dropped


def test_clients_are_those_up_to_the_last_one_that_sent_a_row():
    counted = []

    def look(uploads: Uploads, view: ServerView) -> Uploads:
        counted.append(view.num_clients)
        return uploads

    rule = chained(stateless_stage(look, sees_clients=True), MEAN)
    uploads = uploads_of([[[1.0], [3.0]]])  # of clients 0 and 1
    aggregate(rule, uploads)
    aggregate(rule, uploads, num_clients=7)
    table = ItemTable(
        *(jnp.ones((1, 1, 1)), jnp.ones((1, 1), jnp.int32)),
        *(jnp.ones((1, 1, 1), bool), jnp.array([4])),
    )
    aggregate(rule, uploads._replace(tables=(table,)))
    assert counted == [2, 7, 5]
    with pytest.raises(InvalidInputError, match="num_clients: the rule sees clients"):
        jax.jit(lambda one: aggregate(rule, one))(uploads)


@every_kind
@pytest.mark.parametrize("rule", [NORM[0], TRIMMED_MEAN, KRUM])
def test_uploads_of_several_runs_are_aggregated_side_by_side(rule, kind):
    several = [
        grouped(factored_uploads([7, 0, 2, 9], seed=seed, kind=kind))
        for seed in range(3)
    ]
    several[1] = several[1]._replace(scale=several[1].scale.at[3].set(jnp.nan))
    stacked = jax.tree.map(lambda *fields: jnp.stack(fields), *several)
    byzantine = jnp.arange(3)
    together = jax.jit(jax.vmap(lambda *run_: aggregate(rule, *run_)))
    found, dropped = together(stacked, byzantine)
    for index, uploads in enumerate(several):
        alone, dropped_alone = run(rule, uploads, index)
        np.testing.assert_allclose(found.rows[index], alone.rows, rtol=1e-6, atol=1e-6)
        assert dropped[index] == dropped_alone
