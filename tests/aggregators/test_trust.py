"""What a client, or a row, is trusted is what it counts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import aggregate, stateless_stage
from jaxfr.aggregators.base import chained
from jaxfr.uploads import uploads_of
from jaxfr.uploads.clients import TRUST_UNIT, trust_clients, trust_rows

from .defended import CLIENTS, sent_rows, uploads_of_clients, without_clients
from .oracles import (
    BASIC_RULES,
    CLASSIC_TRIMMED_MEAN,
    DENSE_RULES,
    FIXED_RULES,
    KRUM,
    MEAN,
    MEDIAN,
    TRIMMED_MEAN,
    run,
)
from .samples import KINDS, NUM_ITEMS

every_kind = pytest.mark.parametrize("kind", KINDS)
# To a rule trust is weight; these count clients, too, which weigh more than 1.
COUNTING = {"trimmed_mean": TRIMMED_MEAN, "classic": CLASSIC_TRIMMED_MEAN, "krum": KRUM}
COUNTING |= {"dense_median": DENSE_RULES["dense_median"][0]}
COUNTING |= {
    name: BASIC_RULES[name][0]
    for name in ("multi_krum", "half_multi_krum", "mixed_median", "bucketed_median")
}
COUNTING |= {
    name: FIXED_RULES[name][0]
    for name in ("shrink", "geometric_median", "centred_clipping_all", "arc_mean")
}
every_counting_rule = pytest.mark.parametrize(
    "rule", COUNTING.values(), ids=COUNTING.keys()
)
BYZANTINE = 2


def trusting(rule, trust):
    """The rule after a stage that trusts clients, by id, so far."""

    def distrust(uploads, view):
        del view
        return trust_clients(uploads, trust)

    return chained(stateless_stage(distrust, sees_clients=True), rule)


@functools.partial(jax.jit, static_argnames="rule")
def trusted(rule, uploads, trust, byzantine=0):
    expected = jnp.asarray(byzantine)
    return aggregate(trusting(rule, trust), uploads, expected, CLIENTS)[0]


def shares(numbers) -> jax.Array:
    return jnp.asarray(numbers, jnp.float32)


def test_what_is_no_share_counts_as_the_nearest_and_nan_as_none():
    uploads, told = uploads_of([[[1.0], [2.0], [4.0], [8.0]]]), [-1.0, 5.0, np.nan, 0.5]
    of_clients = trust_clients(uploads, shares(told)).client_trust
    np.testing.assert_array_equal(of_clients, [0, 1, 0, 0.5])
    of_rows = trust_rows(uploads, shares(told), ()).row_trust
    np.testing.assert_array_equal(of_rows, [0, 1, 0, 0.5])


@every_counting_rule
@every_kind
def test_a_client_that_is_not_trusted_is_one_that_sent_nothing(rule, kind):
    for seed in range(12):
        # Of scattered rows one by one, or in bundles, with tables of either sort.
        uploads = uploads_of_clients(seed, kind, colluding=kind == "single_rows")
        dropped = np.random.default_rng(seed).random(CLIENTS) < seed / 12
        found = trusted(rule, uploads, shares(~dropped), BYZANTINE)
        expected, _ = run(rule, without_clients(uploads, dropped), BYZANTINE)
        np.testing.assert_allclose(found.rows, expected.rows, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found.received, expected.received)
        np.testing.assert_array_equal(found.client_trust, ~dropped)


@every_kind
@pytest.mark.parametrize("colluding", [True, False])
def test_in_a_mean_each_clients_row_counts_by_its_trust(kind, colluding):
    trust = np.random.default_rng(0).random(CLIENTS)
    uploads = uploads_of_clients(1, kind, colluding)
    expected, total = np.zeros((NUM_ITEMS, 3)), np.zeros((NUM_ITEMS, 1))
    for client, item, row in sent_rows(uploads):
        expected[item] += trust[client] * row
        total[item] += trust[client]
    expected /= np.where(total > 0, total, 1)
    found = trusted(MEAN, uploads, shares(trust)).rows
    np.testing.assert_allclose(found, expected, atol=3 / TRUST_UNIT)


@pytest.mark.parametrize("rule", [MEDIAN, KRUM], ids=["median", "krum"])
def test_trust_in_quarters_is_that_number_of_rows_in_four(rule):
    """The same as each client's row once, twice or three times where all send four."""
    quarters = np.random.default_rng(1).integers(0, 5, size=CLIENTS)
    uploads = uploads_of_clients(2, "single_rows", colluding=False)
    (table,) = uploads.tables
    of_rows = jnp.asarray(quarters)[uploads.client]
    repeated = uploads._replace(
        weight=uploads.weight * of_rows,
        tables=(
            table._replace(weight=table.weight * jnp.asarray(quarters)[table.client]),
        ),
    )
    found = trusted(rule, uploads, shares(quarters / 4))
    if rule is MEDIAN:
        alike, _ = run(rule, repeated, 0)
        np.testing.assert_allclose(found.rows, alike.rows, rtol=1e-5, atol=1e-6)
    # Krum's neighbours are whole clients, so only which row can be asked.
    rows = np.array([sent.row for sent in sent_rows(uploads)])
    for chosen in np.asarray(found.rows)[np.asarray(found.received)]:
        distance = np.abs(rows - chosen).max(axis=1).min()
        assert rule is MEDIAN or distance < 1e-6


def test_a_row_that_is_not_trusted_is_one_that_was_not_sent():
    uploads = uploads_of_clients(3, "bundles_and_tables")
    random = np.random.default_rng(2)
    (table,) = uploads.tables
    kept, of_table = random.random(uploads.item.size) < 0.6, random.random((4, 1)) < 0.5

    def distrust(uploads, view):
        del view
        return trust_rows(uploads, shares(kept), (shares(of_table),))

    defended = chained(stateless_stage(distrust, sees_clients=True), MEDIAN)
    expected = uploads._replace(
        weight=uploads.weight * kept,
        tables=(table._replace(weight=table.weight * of_table),),
    )
    found, _ = aggregate(defended, uploads, jnp.int32(BYZANTINE), CLIENTS)
    without, _ = run(MEDIAN, expected, BYZANTINE)
    np.testing.assert_allclose(found.rows, without.rows, rtol=1e-5, atol=1e-6)


@every_counting_rule
def test_more_byzantine_clients_than_there_are_may_be_expected(rule):
    """Their weight, at 1024 for each client, is one more than int32 has."""
    uploads, many = uploads_of_clients(5, "single_rows"), 2**22
    found = trusted(rule, uploads, shares(np.ones(CLIENTS)), many)
    expected, _ = run(rule, uploads, many)
    np.testing.assert_allclose(found.rows, expected.rows, rtol=1e-5, atol=1e-6)


def test_trust_of_several_stages_is_multiplied():
    first, second = np.random.default_rng(3).random((2, CLIENTS)).astype(np.float32)
    twice = trusting(trusting(MEAN, shares(second)), shares(first))
    uploads = uploads_of_clients(4, "single_rows")
    found, _ = aggregate(twice, uploads, jnp.int32(0), CLIENTS)
    np.testing.assert_array_equal(found.client_trust, first * second)
    once = trusted(MEAN, uploads, shares(first * second)).rows
    np.testing.assert_allclose(found.rows, once, rtol=1e-5, atol=1e-6)
