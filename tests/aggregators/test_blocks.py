"""Items in blocks: how they are cut, and where their rows are, does not show."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr import blocks as sizes
from jaxfr.aggregators import (
    aggregate,
    by_item,
    classic_trimmed_mean,
    geometric_median,
    krum,
    median,
    multi_krum,
    trimmed_mean,
)
from jaxfr.aggregators.order_statistics import padded_size
from jaxfr.devices import AXIS, IN_ONE_PART, OVER_DEVICES, Join
from jaxfr.uploads import Uploads, item_sums, plan_item_slots
from tests.uploads.samples import SINGLE, Kind, on_devices

from .samples import DIM, KINDS, every_kind, factored_uploads, grouped

COUNTS = np.array([7, 0, 3, 3, 12, 1, 5])


def weighted_sum(rows: jax.Array, weight: jax.Array, join: Join) -> jax.Array:
    return join.sum(jnp.sum(rows * weight[:, None], axis=0))


def sums(uploads: Uploads, work_per_row: by_item.WorkPerRow) -> jax.Array:
    return by_item.map_items(uploads, weighted_sum, work_per_row)


@every_kind
@pytest.mark.parametrize(
    ("max_groups", "work_per_row", "block_numbers"),
    [(1, DIM, 1), (3, DIM, 100)],
)
def test_every_item_is_given_its_own_rows(
    monkeypatch, kind, max_groups, work_per_row, block_numbers
):
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", block_numbers)
    uploads = factored_uploads(COUNTS.tolist(), seed=0, max_weight=3, kind=kind)
    uploads = grouped(uploads, plan_item_slots(COUNTS + 1, max_groups))
    found = sums(uploads, work_per_row)
    np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found[1], 0)


@every_kind
def test_items_that_do_not_exist_change_nothing(kind):
    uploads = factored_uploads(COUNTS.tolist(), seed=1, max_weight=3, kind=kind)
    plan = tuple(
        slots._replace(items=jnp.append(slots.items, len(COUNTS)))
        for slots in plan_item_slots(COUNTS + 1, 2)
    )
    found = sums(grouped(uploads, plan), DIM)
    np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)


@every_kind
def test_a_rule_is_given_as_many_rows_as_are_reduced_fast(kind):
    def count_rows(rows: jax.Array, weight: jax.Array, join: Join) -> jax.Array:
        assert join is IN_ONE_PART
        assert rows.shape == (*weight.shape, DIM)
        return jnp.full(DIM, float(weight.size))

    uploads = factored_uploads(COUNTS.tolist(), seed=2, kind=kind)
    for capacity in (20, 24, 254, 260):
        plan = plan_item_slots(np.full(len(COUNTS), capacity), 1)
        found = by_item.map_items(grouped(uploads, plan), count_rows, DIM)
        size = padded_size(capacity + sum(kind.tables))
        np.testing.assert_array_equal(found, size)


@pytest.mark.parametrize(
    ("work_per_row", "loops"),
    [(DIM, []), (30, [4]), (1000, [7]), (lambda rows: rows, [3])],
)
def test_blocks_shrink_as_the_work_per_item_grows(monkeypatch, work_per_row, loops):
    # Room for 20 rows is padded to 24.
    monkeypatch.setattr(sizes, "BLOCK_NUMBERS", 3 * 24**2)
    uploads = factored_uploads(COUNTS.tolist(), seed=0)
    uploads = grouped(uploads, plan_item_slots(np.full(len(COUNTS), 20), 1))
    steps = jax.make_jaxpr(sums, static_argnums=1)(uploads, work_per_row).eqns
    found = [step.params["length"] for step in steps if step.primitive.name == "scan"]
    assert found == loops


# --- Rows on several devices ---

# Room for all of an item's rows on each device.
PLAN = plan_item_slots(COUNTS + 1, 2)
# What ``COUNTS_PER_SEARCH`` is, so that all items' rows go this way.
WAYS = {"counted": 0, "brought": 10**6}
every_way = pytest.mark.parametrize("way", WAYS)
several = pytest.mark.parametrize(
    ("kind", "devices"), [(KINDS["single_rows"], 3), (KINDS["bundles_and_tables"], 2)]
)
EXPECTED_BYZANTINE = 2


@pytest.fixture(autouse=True)
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a network lay between devices, where alone rows may be counted."""
    monkeypatch.setattr(by_item, "network_between_devices", lambda: True)


RULES = {
    "median": median().make(),
    "trimmed_mean": trimmed_mean().make(),
    "trimmed_mean, classic": classic_trimmed_mean(0.2).make(),
    "krum": krum().make(),
    "multi_krum": multi_krum().make(),
    "geometric_median": geometric_median().make(),
}
# They compare rows, or sum over them, however many there are.
COUNTING_NOTHING = "krum", "multi_krum", "geometric_median"


def given_uploads(kind: Kind, seed: int) -> Uploads:
    return factored_uploads(COUNTS.tolist(), seed, max_weight=3, kind=kind)


def over_devices(
    combine: Callable[[Uploads], jax.Array], uploads: Uploads, devices: int
) -> np.ndarray:
    """What each device finds of rows that are spread over them."""

    def on_each(part: Uploads) -> jax.Array:
        return combine(grouped(part, PLAN))

    run = jax.jit(jax.vmap(on_each, axis_name=AXIS))
    return np.asarray(run(on_devices(uploads, devices)))


@functools.cache
def combined(name: str, kind: Kind, devices: int, way: str = "") -> np.ndarray:
    """What a rule makes of all items; of several devices, on each of them."""
    uploads = given_uploads(kind, seed=3)

    def combine(uploads: Uploads) -> jax.Array:
        return aggregate(RULES[name], uploads, jnp.int32(EXPECTED_BYZANTINE))[0].rows

    if devices == 1:
        run = jax.jit(combine)
        return np.asarray(run(grouped(uploads, PLAN)))
    if name in COUNTING_NOTHING and way == "counted":
        return combined(name, kind, devices, "brought")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_item, "COUNTS_PER_SEARCH", WAYS[way])
        return over_devices(combine, uploads, devices)


def test_within_a_process_rows_are_brought_however_many_they_are(monkeypatch):
    monkeypatch.setattr(by_item, "COUNTS_PER_SEARCH", 0)
    monkeypatch.setattr(by_item, "network_between_devices", lambda: False)
    uploads = given_uploads(KINDS["single_rows"], seed=3)

    def rule(rows: jax.Array, weight: jax.Array, join: Join) -> jax.Array:
        assert join is IN_ONE_PART
        return weighted_sum(rows, weight, join)

    def combine(uploads: Uploads) -> jax.Array:
        return by_item.map_items(uploads, rule, DIM, searches=1)

    for found in over_devices(combine, uploads, 3):
        np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("numbers", [1, 200])
def test_exchanges_in_pieces_bring_the_same_rows(monkeypatch, numbers):
    monkeypatch.setattr(by_item, "EXCHANGED_NUMBERS", numbers)
    uploads = given_uploads(KINDS["bundles_and_tables"], seed=3)

    def combine(uploads: Uploads) -> jax.Array:
        return aggregate(RULES["krum"], uploads, jnp.int32(EXPECTED_BYZANTINE))[0].rows

    expected = combined("krum", KINDS["bundles_and_tables"], 1)
    for found in over_devices(combine, uploads, 2):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@every_way
@several
def test_each_device_finds_the_sums_of_all_rows(monkeypatch, kind, devices, way):
    monkeypatch.setattr(by_item, "COUNTS_PER_SEARCH", WAYS[way])
    uploads = given_uploads(kind, seed=3)

    def combine(uploads: Uploads) -> jax.Array:
        return by_item.map_items(uploads, weighted_sum, DIM, searches=1)

    for found in over_devices(combine, uploads, devices):
        np.testing.assert_allclose(found, item_sums(uploads), rtol=1e-5, atol=1e-5)


@every_way
@several
@pytest.mark.parametrize("name", RULES)
def test_a_rule_makes_of_all_devices_rows_what_it_makes_of_one_s(
    name, kind, devices, way
):
    expected = combined(name, kind, 1)
    for found in combined(name, kind, devices, way):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@every_way
@several
def test_the_median_of_all_devices_rows_is_that_of_one_bit_for_bit(kind, devices, way):
    expected = combined("median", kind, 1)
    for found in combined("median", kind, devices, way):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("searches", "counts", "joins"),
    [
        (None, 0, [IN_ONE_PART] * 2),
        (1, 10**6, [IN_ONE_PART] * 2),
        (1, 0, [OVER_DEVICES] * 2),
        # 9 counts of 3 coordinates are 27 numbers, as many as 7 rows at 4 each.
        (1, 9, [IN_ONE_PART, OVER_DEVICES]),
        (2, 9, [IN_ONE_PART, IN_ONE_PART]),
    ],
)
def test_rows_are_counted_where_they_are_if_that_sends_less_and_the_rule_only_counts(
    monkeypatch, searches, counts, joins
):
    monkeypatch.setattr(by_item, "COUNTS_PER_SEARCH", counts)
    assert [slots.slots.size for slots in PLAN] == [4, 13]
    told: list[Join] = []

    def rule(rows: jax.Array, weight: jax.Array, join: Join) -> jax.Array:
        told.append(join)
        return weighted_sum(rows, weight, join)

    def combine(uploads: Uploads) -> jax.Array:
        return by_item.map_items(uploads, rule, DIM, searches)

    over_devices(combine, given_uploads(SINGLE, seed=0), devices=2)
    assert told == joins
