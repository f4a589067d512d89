"""A run that is spread over devices ends where a run on one device ends."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from jaxfr.devices import (
    AXIS,
    IN_ONE_PART,
    OVER_DEVICES,
    OWN,
    Join,
    Own,
    device_index,
    divide_runs,
    exchange_over_devices,
    for_own_part,
    gather_over_devices,
    map_over_devices,
    max_over_devices,
    min_over_devices,
    num_devices,
    own_part,
    place,
    placement,
    replicate,
    spread,
    sum_over_devices,
)
from jaxfr.devices import WHOLE as ALL
from jaxfr.experiment import Experiment
from jaxfr.training import (
    Layout,
    RoundReport,
    Setup,
    TrainingState,
    plan_layout,
    train_rounds,
)
from jaxfr.training.layout import in_client_order
from tests.training.problem import (
    DIM,
    ROOM,
    compiled_start,
    configured,
    drawn_values,
    two_clients,
    uneven_dataset,
)

pytestmark = pytest.mark.skipif("jax.device_count() < 4", reason="takes four devices")

ROUNDS = 4
LEARNING_RATE = 0.2

# --- the parts of a whole ---

WHOLE = np.arange(24.0, dtype=np.float32).reshape(12, 2)
several = pytest.mark.parametrize("devices", [3, 4])


@pytest.mark.parametrize("name", ["devices", "runs", "batch"])
def test_an_axis_that_somebody_else_maps_over_is_none_of_devices(name):
    def joined(part: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jnp.int32(num_devices()), sum_over_devices(part)

    number, sums = jax.vmap(joined, axis_name=name)(jnp.asarray(WHOLE))
    np.testing.assert_array_equal(number, 1)
    np.testing.assert_array_equal(sums, WHOLE)


@pytest.mark.parametrize(
    "function",
    [
        own_part,
        gather_over_devices,
        sum_over_devices,
        min_over_devices,
        max_over_devices,
        exchange_over_devices,
    ],
)
def test_outside_nothing_is_divided_or_joined(function):
    np.testing.assert_array_equal(function(jnp.asarray(WHOLE)), WHOLE)
    assert (num_devices(), device_index()) == (1, 0)


@several
def test_a_device_s_own_parts_in_a_row_are_the_whole(devices):
    def part_and_back(whole: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert num_devices() == devices
        part = own_part(whole)
        assert part.shape == (12 // devices, 2)
        return gather_over_devices(part), gather_over_devices(device_index()[None])

    found, numbers = jax.jit(spread(part_and_back, devices, (ALL,), ALL))(WHOLE)
    np.testing.assert_array_equal(found, WHOLE)
    np.testing.assert_array_equal(numbers, np.arange(devices))
    with pytest.raises(AssertionError):  # not divisible
        jax.eval_shape(spread(own_part, devices, (ALL,), ALL), jnp.zeros(11))


def test_over_one_device_nothing_is_spread():
    assert spread(own_part, 1, (ALL,), ALL) is own_part
    values = {"a": jnp.ones(3)}
    assert replicate(values, 1) is values
    assert place(values, placement(values), 1) is values


@several
def test_a_copy_is_on_each_device(devices):
    for copy in replicate((jnp.asarray(WHOLE), jax.random.key(0)), devices):
        assert len(copy.sharding.device_set) == devices
        assert copy.sharding.is_fully_replicated


@several
def test_what_each_device_has_of_its_own_stands_in_a_row_outside(devices):
    def tell(own: jax.Array, common: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert own.shape == (12 // devices, 2)
        return own + common[device_index()], jnp.max(common)

    run = jax.jit(spread(tell, devices, (OWN, ALL), (OWN, ALL)))
    found, largest = run(WHOLE, np.arange(devices, dtype=np.float32))
    device = np.repeat(np.arange(devices), 12 // devices)
    np.testing.assert_array_equal(found, WHOLE + device[:, None])
    assert largest == devices - 1


class Kept(NamedTuple):
    """Something of each client, and something of all."""

    users: Own[jax.Array]
    items: Any


def test_a_placement_says_of_every_marked_field_that_each_device_has_its_own():
    kept = Kept(jnp.zeros(4), {"a": jnp.zeros(2), "below": [Kept(jnp.zeros(4), None)]})
    found = placement((kept, jnp.zeros(3)))
    below = Kept._make((OWN, ALL))
    assert found == ((OWN, {"a": ALL, "below": [below]}), ALL)
    assert isinstance(found[0], Kept)


def test_a_placement_is_known_of_a_type_as_far_as_its_fields_are_named_tuples():
    class Outer(NamedTuple):
        kept: Kept
        several: tuple[Kept, ...]
        own: Own[tuple[Kept, ...]]

    assert placement(Outer) == Outer._make((Kept._make((OWN, ALL)), ALL, OWN))


@several
def test_values_are_put_where_they_are_to_be(devices):
    values = Kept(jnp.asarray(WHOLE), {"a": jnp.arange(5), "key": jax.random.key(3)})
    placed = place(values, placement(values), devices)
    shards = [shard.data for shard in placed.users.addressable_shards]
    for shard, part in zip(shards, np.split(WHOLE, devices), strict=True):
        np.testing.assert_array_equal(shard, part)
    for copy in placed.items.values():
        assert copy.sharding.is_fully_replicated
        assert len(copy.sharding.device_set) == devices
    np.testing.assert_array_equal(placed.users, WHOLE)
    np.testing.assert_array_equal(placed.items["a"], range(5))
    key = jax.random.key_data(placed.items["key"])
    np.testing.assert_array_equal(key, jax.random.key_data(values.items["key"]))


@several
def test_parts_of_members_come_together_those_of_the_first_device_first(devices):
    # Of each device, what it has of 12 members: a row of two numbers of each.
    parts = np.random.default_rng(0).normal(size=(devices, 12, 1, 2))
    parts = parts.astype(np.float32)
    exchange = spread(exchange_over_devices, devices, (OWN,), OWN)
    found = jax.jit(exchange)(parts.reshape(-1, 1, 2))
    assert found.shape == (12, devices, 2)
    np.testing.assert_array_equal(found, parts[:, :, 0].swapaxes(0, 1))


def joined(join: Join, part: jax.Array) -> tuple[jax.Array, ...]:
    return (
        join.sum(jnp.sum(part)),
        join.min(jnp.min(part)),
        join.max(jnp.max(part)),
    )


@several
def test_what_parts_amount_to_is_joined_to_what_the_whole_amounts_to(devices):
    run = functools.partial(joined, OVER_DEVICES)
    found = jax.jit(spread(run, devices, (OWN,), ALL))(WHOLE)
    np.testing.assert_array_equal(found, joined(IN_ONE_PART, jnp.asarray(WHOLE)))
    np.testing.assert_array_equal(found, [WHOLE.sum(), WHOLE.min(), WHOLE.max()])


@several
def test_divided_runs_are_worked_off_apart(devices):
    def weigh(weight: jax.Array, runs: jax.Array) -> tuple[jax.Array, jax.Array]:
        return weight * runs, jnp.full(runs.shape[0], runs.shape[0])

    divided = jax.jit(divide_runs(weigh, devices, shared=1, of_runs=1))
    products, runs_at_once = divided(jnp.array([2.0, 3.0]), WHOLE)
    np.testing.assert_array_equal(products, WHOLE * [2, 3])
    np.testing.assert_array_equal(runs_at_once, np.full(12, 12 // devices))


# --- derivatives ---


def of_sums(own: jax.Array, common: jax.Array) -> jax.Array:
    sums = sum_over_devices(jnp.sum(own**2 * for_own_part(common), axis=0))
    return jnp.sum(sums**2 * common)


def of_extremes(own: jax.Array, common: jax.Array) -> jax.Array:
    numbers = own * for_own_part(common)
    least = min_over_devices(jnp.min(numbers, axis=0))
    return jnp.sum(least * max_over_devices(jnp.max(numbers, axis=0)) ** 2)


def of_a_row_of_parts(own: jax.Array, common: jax.Array) -> jax.Array:
    return jnp.sum(jnp.sin(gather_over_devices(own) * common) ** 2)


def of_own_parts(own: jax.Array, common: jax.Array) -> jax.Array:
    whole = jnp.linspace(0, 1, 12)[:, None] * common
    found = jnp.sum((own_part(whole) * own) ** 2, axis=0)
    return jnp.sum(sum_over_devices(found) * common)


def of_exchanged_parts(own: jax.Array, common: jax.Array) -> jax.Array:
    of_members = own * for_own_part(common) + jnp.arange(12.0)[:, None, None]
    brought = exchange_over_devices(of_members)
    return sum_over_devices(jnp.sum(jnp.sum(brought**2, axis=1) ** 2)) / 1e6


def of_a_divided_map(own: jax.Array, common: jax.Array) -> jax.Array:
    own_sum = for_own_part(sum_over_devices(jnp.sum(own**2, axis=0)))
    whole = jnp.arange(7.0)[:, None] * common
    found = map_over_devices(lambda row: jnp.sin(row) * own_sum, 2, whole)
    return jnp.sum(found**2)


LOSSES = [of_sums, of_extremes, of_a_row_of_parts, of_own_parts]
LOSSES += [of_exchanged_parts, of_a_divided_map]
Loss = Callable[[jax.Array, jax.Array], jax.Array]
COMMON = np.array([0.5, -1.5], np.float32)
PARTS = np.random.default_rng(3).normal(size=(12, 2)).astype(np.float32)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def derivatives(loss: Loss, own: jax.Array, common: jax.Array) -> tuple[jax.Array, ...]:
    return jax.grad(loss, (0, 1))(own, common)


on_one_device = jax.jit(derivatives, static_argnums=0)


def curvature(loss: Loss, own: jax.Array, common: jax.Array) -> tuple[jax.Array, ...]:
    """The derivatives of the size of derivatives."""

    def size(own: jax.Array, common: jax.Array) -> jax.Array:
        by_own, by_common = derivatives(loss, own, common)
        return sum_over_devices(jnp.sum(by_own**2)) + jnp.sum(by_common**2)

    return jax.grad(size, (0, 1))(own, common)


@pytest.mark.parametrize(("of", "devices"), [(derivatives, 4), (curvature, 3)])
@every_loss
def test_derivatives_of_a_spread_loss_are_those_of_one_device(loss, devices, of):
    """One's own of one's own part, and the whole of what all have the same of."""
    run = spread(functools.partial(of, loss), devices, (OWN, ALL), (OWN, OWN))
    by_own, copies = jax.jit(run)(PARTS, COMMON)
    expected_own, expected = jax.jit(of, static_argnums=0)(loss, PARTS, COMMON)
    assert np.abs(expected_own).max() > 1e-3 < np.abs(expected).max()
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
    close(by_own, expected_own)
    for copy in np.split(copies, devices):
        close(copy, expected)


@every_loss
@pytest.mark.parametrize("devices", [3])
def test_so_are_those_of_a_spread_function_seen_from_outside(loss, devices):
    run = jax.jit(jax.grad(spread(loss, devices, (OWN, ALL), ALL), (0, 1)))
    expected = on_one_device(loss, PARTS, COMMON)
    for found, one in zip(run(PARTS, COMMON), expected, strict=True):
        np.testing.assert_allclose(found, one, rtol=1e-4, atol=1e-5)


@every_loss
@pytest.mark.parametrize("devices", [1, 4])
def test_forward_derivatives_are_the_reverse_ones_along_any_direction(loss, devices):
    along = PARTS[::-1] - 0.5, COMMON[::-1] + 1

    def forward(own: jax.Array, common: jax.Array, *along: jax.Array) -> jax.Array:
        return jax.jvp(loss, (own, common), along)[1]

    run = jax.jit(spread(forward, devices, (OWN, ALL) * 2, ALL))
    reverse = on_one_device(loss, PARTS, COMMON)
    expected = sum(np.vdot(by, move) for by, move in zip(reverse, along, strict=True))
    np.testing.assert_allclose(run(PARTS, COMMON, *along), expected, rtol=1e-4)


@every_loss
@pytest.mark.parametrize("devices", [2])
def test_derivatives_are_found_for_many_at_once(loss, devices):
    """Under a vmap, of seeds say, inside of the devices' function."""
    run = jax.vmap(functools.partial(derivatives, loss), (None, 0))
    found = jax.jit(spread(run, devices, (OWN, ALL), (PartitionSpec(None, AXIS), ALL)))
    many = np.stack([COMMON, 2 * COMMON, -COMMON])
    for by_own, by_common, common in zip(*found(PARTS, many), many, strict=True):
        expected = on_one_device(loss, PARTS, common)
        np.testing.assert_allclose(by_own, expected[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(by_common, expected[1], rtol=1e-4, atol=1e-4)


@several
def test_devices_that_have_the_same_share_the_derivative_of_an_extreme(devices):
    def largest(own: jax.Array) -> jax.Array:
        return max_over_devices(own) - 2 * min_over_devices(own)

    found = jax.jit(spread(jax.grad(lambda own: largest(own)[0]), devices, (OWN,), OWN))
    np.testing.assert_allclose(found(jnp.ones(devices)), -1 / devices, rtol=1e-6)


# --- whole runs ---

SETS = {"uneven": uneven_dataset, "two clients": two_clients}

PARTIAL, RESAMPLED = {"participation": 0.7}, {"negatives": "resample"}
CLIPPED = "clip_by_norm:0.4+"

GRAPH = {
    "model": f"fedgnn:{DIM}:neighbours_per_item=2",
    "pseudo_items": 2,
    "privacy_clip": 0.2,
    "privacy_noise": 0.01,
}

# How each rule and each attack joins what lies on devices, their own tests say. Here
# are attackers who all send the same and others, a start without malicious clients,
# and models that take clients as a whole; and how many devices each is spread over.
RUNS = {
    "mean, o_d": (CLIPPED + "mean", "spattack_o_d", PARTIAL),
    "median, l_d": ("median", "spattack_l_d", {}),
    "krum, gaussian": ("krum", "gaussian", RESAMPLED),
    "fedgnn, median": ("median", "none", GRAPH),
    "fedgnn, mean": ("mean", "spattack_l_d", {"model": GRAPH["model"]}),
}
SPREAD = {
    "mean, o_d": 3,
    "median, l_d": 2,
    "krum, gaussian": 3,
    "fedgnn, median": 3,
    "fedgnn, mean": 2,
}
# Where each number that is aggregated is made on one device: the others attack with
# what all clients' rows add up to.
EXACT = [("median, l_d", ROOM), ("median, l_d", 0)]

compiled_rounds = jax.jit(train_rounds)


class Run(NamedTuple):
    """A run from its start to its end."""

    experiment: Experiment
    layout: Layout
    setup: Setup
    before: TrainingState
    after: TrainingState
    report: RoundReport


@functools.cache
def laid_out(dataset: str, devices: int) -> Layout:
    return plan_layout(SETS[dataset](), devices, ROOM, 2, with_neighbours=True)


@functools.cache
def started(
    experiment: Experiment, dataset: str, devices: int
) -> tuple[Setup, TrainingState]:
    """From embeddings that rounds change a lot; all else is drawn."""
    given = drawn_values()._replace(negatives=None)
    if dataset != "uneven":
        given = given._replace(user_embeddings=None)
    layout = laid_out(dataset, devices)
    return compiled_start(experiment, layout, jax.random.key(0), given)


@functools.cache
def run(
    name: str, devices: int = 1, malicious: int = ROOM, dataset: str = "uneven"
) -> Run:
    aggregator, attack, changes = RUNS[name]
    numbers = {"learning_rate": LEARNING_RATE, "malicious_clients": malicious}
    experiment = configured(attack, aggregator, **numbers, **changes)
    layout = laid_out(dataset, devices)
    # Rows grouped by item serve every rule, so the start is that of all rules, with or
    # without a stage before them.
    stage = CLIPPED if "norm" in aggregator else ""
    by_model = {key: changes[key] for key in changes if key in GRAPH}
    shared = configured(
        attack, stage + "median", learning_rate=LEARNING_RATE, **by_model
    )
    setup, state = started(shared, dataset, devices)
    after, report = compiled_rounds(
        experiment,
        layout,
        setup,
        state,
        jnp.arange(ROUNDS),
        jnp.int32(ROUNDS),
        jnp.int32(2),
    )
    return Run(experiment, layout, setup, state, after, report)


def assert_same_end(found: Run, expected: Run) -> None:
    users, expected_users = (
        in_client_order(one.layout, one.after.clients.embedding)
        for one in (found, expected)
    )
    items, expected_items = (
        (one.after.items.values, one.after.weights and one.after.weights.values)
        for one in (found, expected)
    )
    close = functools.partial(np.testing.assert_allclose, atol=1e-5)
    close(users, expected_users, err_msg="users")
    jax.tree.map(close, items, expected_items)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, atol=1e-4),
        found.report,
        expected.report,
    )
    assert found.report.outcome.num_users[-1, 0] > 0
    assert not np.any(found.report.counts.overflow)


@pytest.mark.parametrize("name", RUNS)
def test_a_spread_run_ends_where_the_run_on_one_device_ends(name):
    alone = run(name)
    assert_same_end(run(name, SPREAD[name]), alone)
    moved = alone.after.item_embeddings - alone.before.item_embeddings
    assert np.abs(moved).max() > 0.01


@pytest.mark.parametrize(("name", "malicious"), EXACT)
def test_the_items_of_a_spread_run_under_the_median_are_those_of_one_device(
    name, malicious
):
    """Bit for bit: nothing that the median sees is added up over devices."""
    found, expected = run(name, SPREAD[name], malicious), run(name, 1, malicious)
    found, expected = found.after.item_embeddings, expected.after.item_embeddings
    np.testing.assert_array_equal(found, expected)


def test_some_devices_may_have_no_client():
    found, expected = (
        run("median, l_d", devices, dataset="two clients") for devices in (4, 1)
    )
    assert_same_end(found, expected)
    clients = np.asarray(found.layout.is_client).reshape(4, -1)
    assert np.count_nonzero(clients.any(axis=1)) == 2
