"""Stages that make other rows of each item's rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.aggregators import (
    Rule,
    aggregate,
    budget,
    dense,
    item_wise,
    median,
    stateless_stage,
)
from jaxfr.aggregators.base import chained
from jaxfr.aggregators.changed_rows import change_items
from jaxfr.devices import AXIS
from jaxfr.errors import InvalidInputError
from jaxfr.uploads import Uploads, plan_item_slots
from jaxfr.uploads.clients import trust_clients
from tests.uploads.samples import on_devices

from .defended import CLIENTS, uploads_of_clients, without_clients
from .oracles import CLIP, KRUM, MEAN, MEDIAN, aggregated, run
from .samples import DIM, KINDS, every_kind, factored_uploads, grouped, rows_of_one_item

COUNTS = np.array([7, 0, 3, 3, 12, 1, 5])
# Some groups of items, in which an item does not exist.
PLAN = tuple(
    slots._replace(items=jnp.append(slots.items, len(COUNTS)))
    for slots in plan_item_slots(COUNTS + 1, 2)
)
every_rule = pytest.mark.parametrize(
    "rule", [MEAN, MEDIAN, KRUM], ids=["mean", "median", "krum"]
)


@item_wise
def keep(uploads, view):
    del view
    return change_items(uploads, lambda rows, weight: (rows, weight), DIM)


@item_wise
def double(uploads, view):
    """Each row stands there twice as long, and twice."""
    del view

    def change(rows, weight):
        return jnp.concatenate([2 * rows] * 2), jnp.concatenate([weight] * 2)

    return change_items(uploads, change, lambda num_rows: num_rows)


keep, double = (stage._replace(needs_groups=True) for stage in (keep, double))


def combined(rule: Rule, uploads: Uploads) -> jax.Array:
    return aggregate(rule, uploads, jnp.int32(2))[0].rows


@every_rule
@every_kind
def test_a_rule_sees_the_rows_that_a_stage_made(rule, kind):
    uploads = factored_uploads(COUNTS.tolist(), 0, max_weight=3, kind=kind)
    uploads = grouped(uploads, PLAN)
    expected = combined(rule, uploads)
    found = combined(chained(keep, rule), uploads)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    if rule is not KRUM:  # whose neighbours are other ones among twice as many
        found = combined(chained(double, rule), uploads)
        np.testing.assert_allclose(found, 2 * expected, rtol=1e-5, atol=1e-6)


@every_rule
@pytest.mark.parametrize(("kind", "devices"), [*zip(KINDS, (3, 2), strict=True)])
def test_rows_on_several_devices_are_made_and_seen_like_those_on_one(
    rule, kind, devices
):
    uploads = factored_uploads(COUNTS.tolist(), 1, max_weight=3, kind=KINDS[kind])
    twice = chained(double, keep, rule)

    def on_each(part: Uploads) -> jax.Array:
        return combined(twice, grouped(part, PLAN))

    several = jax.jit(jax.vmap(on_each, axis_name=AXIS))(on_devices(uploads, devices))
    expected = combined(twice, grouped(uploads, PLAN))
    for found in several:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# --- in a chain ---


def test_rows_change_behind_it_in_the_order_of_the_chain():
    uploads = rows_of_one_item([[3, 0, 0]])
    for parts, expected in (
        ((CLIP, double), 3),
        ((double, CLIP), 1.5),
        ((double, CLIP, double), 3),
    ):
        found = aggregated(chained(*parts, MEAN), uploads, 0)
        np.testing.assert_allclose(found[0], [expected, 0, 0])
        nested = chained(parts[0], chained(*parts[1:], MEAN))
        np.testing.assert_array_equal(aggregated(nested, uploads, 0), found)


def test_absent_clients_are_there_before_it():
    """They are zeros that it sees."""

    def shortest(rows, weight):
        squares = jnp.where(weight > 0, jnp.sum(rows**2, axis=1), jnp.inf)
        return rows[jnp.argmin(squares)][None], weight[:1]

    stage = item_wise(lambda uploads, _: change_items(uploads, shortest, DIM))
    uploads = rows_of_one_item([[3, 0, 0], [4, 0, 0]])._replace(
        participants=jnp.int32(9)
    )
    rule = chained(stage, MEAN)
    np.testing.assert_array_equal(aggregated(rule, uploads, 0)[0], [3, 0, 0])
    np.testing.assert_array_equal(aggregated(dense(rule), uploads, 0)[0], [0, 0, 0])


def test_trust_is_weight_before_it():
    uploads = uploads_of_clients(0, "single_rows")
    dropped = np.arange(CLIENTS) % 2 == 0

    def distrust(uploads, view):
        del view
        return trust_clients(uploads, jnp.float32(~dropped))

    stage = stateless_stage(distrust, sees_clients=True)
    rule = chained(stage, keep, MEDIAN)
    found, _ = aggregate(rule, uploads, jnp.int32(0), CLIENTS)
    expected, _ = run(MEDIAN, without_clients(uploads, dropped), 0)
    np.testing.assert_allclose(found.rows, expected.rows, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.client_trust, ~dropped)
    np.testing.assert_array_equal(found.received, expected.received)


def test_behind_it_no_stage_can_ask_for_clients():
    with pytest.raises(InvalidInputError, match="joins their rows"):
        chained(keep, budget().make(), MEAN)
    with pytest.raises(InvalidInputError, match="joins their rows"):
        chained(keep, chained(budget().make(), MEAN))
    assert isinstance(chained(budget().make(), keep, MEAN), Rule)


def test_what_it_needs_the_rule_behind_it_needs():
    asking = item_wise(lambda uploads, view: uploads, expects_byzantine=True)
    assert not MEAN.needs_groups
    assert chained(keep, MEAN).needs_groups
    assert chained(CLIP, chained(asking, MEAN)).expects_byzantine
    assert not chained(CLIP, asking, median().make()).sums_suffice
