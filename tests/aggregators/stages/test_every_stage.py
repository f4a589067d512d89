"""What no stage that sees clients depends on: names, orders, tables and devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import STAGES, budget
from jaxfr.uploads import ItemTable, Uploads
from tests.aggregators.defended import BENIGN, CLIENTS, IDS, MALICIOUS
from tests.aggregators.defended import uploads_of_clients as drawn_uploads
from tests.aggregators.samples import DIM, KINDS, NUM_ITEMS

from .seeing import Outcome, outcome, outcome_over_devices

SEEING = [one for one in STAGES.values() if one().make().sees_clients]
every_stage = pytest.mark.parametrize("stage", SEEING, ids=[s.name for s in SEEING])
every_kind = pytest.mark.parametrize("kind", KINDS)


def assert_same(found: Outcome, expected: Outcome) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_all_stages_but_those_of_rows_and_of_items_see_clients():
    of_rows = {"clip_by_norm", "scale", "clip_growth"}
    of_items = {"bucketing", "nearest_neighbour_mixing", "arc"}
    assert STAGES.keys() - {one.name for one in SEEING} == of_rows | of_items


@every_stage
@every_kind
def test_names_of_clients_do_not_matter(stage, kind):
    uploads = drawn_uploads(0, kind)
    names = np.random.default_rng(1).permutation(CLIENTS)
    (table,) = uploads.tables
    renamed = uploads._replace(
        client=jnp.asarray(names)[uploads.client],
        tables=(table._replace(client=jnp.asarray(names)[table.client]),),
    )
    found, expected = outcome(stage(), renamed), outcome(stage(), uploads)
    assert_same(
        found._replace(trust=found.trust[names], norms=found.norms[names]), expected
    )


@every_stage
def test_the_order_of_rows_and_of_items_does_not_matter(stage):
    uploads = drawn_uploads(2, "single_rows")
    order = np.random.default_rng(3).permutation(uploads.item.size)
    fields = ("item", "weight", "vector", "scale", "item_scale", "client")
    reordered = uploads._replace(
        **{name: getattr(uploads, name)[order] for name in fields}, groups=()
    )
    assert_same(outcome(stage(), reordered), outcome(stage(), uploads))


@every_stage
@every_kind
def test_a_row_of_several_clients_is_one_of_each(stage, kind):
    """A row of weight w in a table, sent by w clients, equals w rows of weight 1."""
    together = drawn_uploads(4, kind, colluding=True)
    (table,) = together.tables
    assert table.senders is not None
    own = jnp.repeat(table.rows, MALICIOUS, axis=1)
    senders = jnp.eye(MALICIOUS, dtype=bool)[None] & table.senders
    weight = jnp.sum(senders, axis=2, dtype=jnp.int32)
    apart = together._replace(tables=(ItemTable(own, weight, senders, table.client),))
    assert_same(outcome(stage(), apart), outcome(stage(), together))


@every_stage
@every_kind
def test_scattered_rows_and_those_of_tables_are_alike(stage, kind):
    """No stage may tell clients apart by how their rows are held."""
    uploads = drawn_uploads(5, kind, colluding=False)
    (table,) = uploads.tables
    item, sender = np.nonzero(np.asarray(table.weight))
    scattered = Uploads(
        item=jnp.asarray(item, jnp.int32),
        weight=jnp.ones(item.size, jnp.int32),
        vector=jnp.arange(item.size, dtype=jnp.int32),
        scale=jnp.ones(item.size),
        item_scale=jnp.zeros(()),
        vectors=table.rows[item, sender],
        item_embeddings=uploads.item_embeddings,
        participants=uploads.participants,
        client=jnp.asarray(IDS[BENIGN:], jnp.int32)[sender],
    )
    alone = uploads._replace(weight=jnp.zeros_like(uploads.weight))
    found, expected = outcome(stage(), scattered), outcome(stage(), alone)
    assert_same(found, expected)


@every_stage
def test_no_row_is_no_change(stage):
    uploads = drawn_uploads(6, "bundles_and_tables")
    (table,) = uploads.tables
    nothing = jnp.full((NUM_ITEMS, 1, DIM), 3e38)
    empty = ItemTable(
        nothing,
        jnp.zeros((NUM_ITEMS, 1), jnp.int32),
        jnp.zeros((1, 1, MALICIOUS), bool),
        table.client,
    )
    more = uploads._replace(tables=(table, empty))
    found, expected = outcome(stage(), more), outcome(stage(), uploads)
    assert_same(found, expected)


@every_stage
def test_who_sends_nothing_is_trusted_and_changes_nothing(stage):
    uploads = drawn_uploads(7, "single_rows")
    assert uploads.client is not None
    silent = int(uploads.client[np.flatnonzero(uploads.weight)[0]])
    without = uploads._replace(
        weight=jnp.where(uploads.client == silent, 0, uploads.weight)
    )
    found = outcome(stage(), without)
    assert found.trust[silent] == 1
    everybody_silent = uploads._replace(
        weight=0 * uploads.weight,
        tables=tuple(one._replace(weight=0 * one.weight) for one in uploads.tables),
    )
    assert np.all(outcome(stage(), everybody_silent).trust == 1)


@pytest.mark.skipif(jax.device_count() < 2, reason="takes two devices")
@every_stage
@every_kind
def test_over_two_devices_it_is_as_on_one(stage, kind):
    uploads = drawn_uploads(8, kind)
    assert_same(outcome_over_devices(stage(), uploads), outcome(stage(), uploads))


@every_stage
def test_it_expects_byzantine_clients_if_their_number_changes_anything(stage):
    uploads = drawn_uploads(10, "single_rows")
    few, many = (outcome(stage(), uploads, byzantine=number) for number in (0, 4))
    differs = any(np.any(one != other) for one, other in zip(few, many, strict=True))
    assert stage().make().expects_byzantine == differs


def test_trust_comes_to_what_was_trusted_before_times_what_is_now():
    uploads = drawn_uploads(9, "single_rows")
    before = jnp.linspace(0, 1, CLIENTS)
    found = outcome(budget(), uploads._replace(client_trust=before)).trust
    np.testing.assert_allclose(found, before * outcome(budget(), uploads).trust)
