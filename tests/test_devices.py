"""A run that is spread over devices ends where a run on one device ends."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.data.dataset import Dataset
from jaxfr.devices import WHOLE as ALL
from jaxfr.devices import (
    device_index,
    divide_runs,
    gather_over_devices,
    max_over_devices,
    min_over_devices,
    num_devices,
    own_part,
    replicate,
    spread,
    sum_over_devices,
)
from jaxfr.training import (
    Configuration,
    Hyperparameters,
    Layout,
    RoundReport,
    Setup,
    TrainingState,
    plan_layout,
    train_rounds,
)
from jaxfr.training.pairs import Pairs, draw_pairs
from tests.training.problem import (
    QUICK_COMPILE,
    ROOM,
    compiled_start,
    configured,
    drawn_values,
    small_dataset,
    small_layout,
)

pytestmark = pytest.mark.skipif("jax.device_count() < 4", reason="takes four devices")

ROUNDS = 4
NUMBERS = Hyperparameters(
    learning_rate=0.2,
    regularization=0.1,
    malicious_clients=ROOM,
    expected_byzantine=ROOM,
    clip_norm=0.4,
    participation=0.7,
)

# --- the parts of a whole ---

WHOLE = np.arange(24.0, dtype=np.float32).reshape(12, 2)
several = pytest.mark.parametrize("devices", [2, 3, 4])


@pytest.mark.parametrize(
    "function",
    [
        own_part,
        gather_over_devices,
        sum_over_devices,
        min_over_devices,
        max_over_devices,
    ],
)
def test_outside_nothing_is_divided_or_joined(function):
    np.testing.assert_array_equal(function(jnp.asarray(WHOLE)), WHOLE)
    assert (num_devices(), device_index()) == (1, 0)


@several
def test_a_device_s_own_parts_in_a_row_are_the_whole(devices):
    def part_and_back(whole: jax.Array) -> jax.Array:
        part = own_part(whole)
        assert part.shape == (12 // devices, 2)
        return gather_over_devices(part)

    found = jax.jit(spread(part_and_back, devices, (ALL,), ALL))(WHOLE)
    np.testing.assert_array_equal(found, WHOLE)


@several
def test_the_devices_own_sums_add_up_to_the_sum(devices):
    def sum_of_sums(whole: jax.Array) -> jax.Array:
        return sum_over_devices(jnp.sum(own_part(whole), axis=0))

    found = jax.jit(spread(sum_of_sums, devices, (ALL,), ALL))(WHOLE)
    np.testing.assert_array_equal(found, WHOLE.sum(axis=0))


@several
def test_the_devices_own_extremes_join_to_those_of_all(devices):
    whole = np.random.default_rng(0).permuted(WHOLE, axis=0)

    def extremes(whole: jax.Array) -> tuple[jax.Array, jax.Array]:
        own = own_part(whole)
        least, largest = jnp.min(own, axis=0), jnp.max(own, axis=0)
        return min_over_devices(least), max_over_devices(largest)

    least, largest = jax.jit(spread(extremes, devices, (ALL,), ALL))(whole)
    np.testing.assert_array_equal(least, whole.min(axis=0))
    np.testing.assert_array_equal(largest, whole.max(axis=0))


@several
def test_the_devices_are_counted_and_numbered(devices):
    def numbers(_: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert num_devices() == devices
        return gather_over_devices(device_index()[None]), jnp.int32(num_devices())

    found, count = jax.jit(spread(numbers, devices, (ALL,), ALL))(jnp.zeros(()))
    np.testing.assert_array_equal(found, np.arange(devices))
    assert count == devices


def test_a_length_that_the_devices_do_not_divide_has_no_parts():
    with pytest.raises(AssertionError):
        jax.eval_shape(spread(own_part, 3, (ALL,), ALL), jnp.zeros(10))


def test_over_one_device_nothing_is_spread():
    assert spread(own_part, 1, (ALL,), ALL) is own_part
    values = {"a": jnp.ones(3)}
    assert replicate(values, 1) is values


@several
def test_a_copy_is_on_each_device(devices):
    for copy in replicate((jnp.asarray(WHOLE), jax.random.key(0)), devices):
        assert len(copy.sharding.device_set) == devices
        assert copy.sharding.is_fully_replicated


@several
def test_divided_runs_are_worked_off_apart(devices):
    def weigh(weight: jax.Array, runs: jax.Array) -> tuple[jax.Array, jax.Array]:
        return weight * runs, jnp.full(runs.shape[0], runs.shape[0])

    divided = jax.jit(divide_runs(weigh, devices, shared=1, of_runs=1))
    products, runs_at_once = divided(jnp.array([2.0, 3.0]), WHOLE)
    np.testing.assert_array_equal(products, WHOLE * [2, 3])
    np.testing.assert_array_equal(runs_at_once, np.full(12, 12 // devices))


# --- whole runs ---

PARTIAL, RESAMPLED = {"partial_participation": True}, {"negatives": "resample"}
CLIPPED, DENSE = {"clip": True}, {"aggregation": "dense"}

# Of every aggregator one run without and one under attack; and an attack that divides
# its own work.
RUNS = {
    ("mean", "none"): {},
    ("mean", "spattack_o_d"): PARTIAL | CLIPPED,
    ("mean", "gaussian"): PARTIAL,
    ("median", "none"): {},
    ("median", "spattack_o_d"): PARTIAL | RESAMPLED,
    ("trimmed_mean", "none"): DENSE,
    ("trimmed_mean", "spattack_o_d"): {},
    ("krum", "none"): CLIPPED,
    ("krum", "spattack_o_d"): {},
    ("norm", "none"): PARTIAL | DENSE,
    ("norm", "spattack_o_d"): RESAMPLED,
}

compiled_rounds = jax.jit(
    train_rounds, static_argnames="configuration", compiler_options=QUICK_COMPILE
)


@functools.cache
def started(attack: str) -> tuple[Setup, TrainingState]:
    """The start of all runs under one attack."""
    configuration, key = configured(attack, "mean"), jax.random.key(0)
    return compiled_start(configuration, NUMBERS, small_layout(), key, drawn_values())


@functools.cache
def pairs_laid_out(devices: int) -> Pairs:
    """The same pairs for each number of devices, by item too: fit for every rule."""
    draw = functools.partial(draw_pairs, configured("none", "median"))
    given = drawn_values().negatives
    compiled = jax.jit(draw, compiler_options=QUICK_COMPILE)
    return compiled(small_layout(devices), jax.random.key(0), given=given)


def train(
    configuration: Configuration,
    layout: Layout,
    start: tuple[Setup, TrainingState],
    devices: int,
) -> tuple[TrainingState, RoundReport]:
    configuration = dataclasses.replace(configuration, num_devices=devices)
    numbers, schedule = jnp.arange(ROUNDS), (jnp.int32(ROUNDS), jnp.int32(2))
    return compiled_rounds(configuration, NUMBERS, layout, *start, numbers, *schedule)


@functools.cache
def run(
    aggregator: str, attack: str, devices: int = 1
) -> tuple[TrainingState, RoundReport]:
    configuration = configured(attack, aggregator, **RUNS[aggregator, attack])
    setup, state = started(attack)
    start = setup._replace(pairs=pairs_laid_out(devices)), state
    return train(configuration, small_layout(devices), start, devices)


def assert_same_end(found, expected) -> None:
    (state, report), (expected_state, expected_report) = found, expected
    for name, values, wanted in (
        ("items", state.item_embeddings, expected_state.item_embeddings),
        ("users", state.clients.embedding, expected_state.clients.embedding),
    ):
        np.testing.assert_allclose(values, wanted, atol=1e-5, err_msg=name)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, atol=1e-4),
        report,
        expected_report,
    )
    assert report.metrics.overall.num_users[-1] > 0


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize(("aggregator", "attack"), RUNS)
def test_a_spread_run_ends_where_the_run_on_one_device_ends(
    aggregator, attack, devices
):
    assert_same_end(run(aggregator, attack, devices), run(aggregator, attack))


@pytest.mark.parametrize("devices", [2, 3])
@pytest.mark.parametrize("attack", ["none", "spattack_o_d"])
def test_the_median_of_a_spread_run_is_that_of_one_device_but_for_rounding(
    attack, devices
):
    found, expected = run("median", attack, devices)[0], run("median", attack)[0]
    np.testing.assert_allclose(
        found.item_embeddings, expected.item_embeddings, atol=1e-6
    )


def test_what_every_run_compares_differs_from_its_start():
    for aggregator, attack in RUNS:
        items = run(aggregator, attack)[0].item_embeddings
        assert np.abs(items - started(attack)[1].item_embeddings).max() > 0.01


@functools.cache
def two_clients() -> Dataset:
    """The first two clients of the small problem."""
    dataset = small_dataset()
    own = dataset.train_users < 2
    return dataclasses.replace(
        dataset,
        num_users=2,
        train_users=dataset.train_users[own],
        train_items=dataset.train_items[own],
        test_items=dataset.test_items[:2],
    )


def test_some_devices_may_have_no_client():
    configuration, key = configured("none", "median"), jax.random.key(0)
    given = drawn_values()._replace(user_embeddings=None, negatives=None)
    ends = []
    for devices in (4, 1):
        layout = plan_layout(two_clients(), devices)
        start = compiled_start(configuration, NUMBERS, layout, key, given)
        ends.append(train(configuration, layout, start, devices))
    assert_same_end(*ends)
