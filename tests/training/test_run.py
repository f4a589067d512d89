"""Whole runs: schedule, stretches, seeds, and what compiles anew."""

import dataclasses
import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.metrics import parse_metrics
from jaxfr.evaluation.outcome import Outcome as Counted
from jaxfr.evaluation.outcome import averages
from jaxfr.evaluation.targets import COLD, POPULAR
from jaxfr.training import (
    Configuration,
    Hyperparameters,
    RoundReport,
    TrainingState,
    evaluate_now,
    run_key,
    simulate,
    start,
    train_rounds,
)
from jaxfr.training.start import _start
from tests.training.problem import (
    CONFIGURATION,
    QUICK_COMPILE,
    ROOM,
    small_layout,
)

ROUNDS, STRETCH = 8, 5

# A configuration in which all numbers have a say, but one.
CONFIGURED = dataclasses.replace(
    CONFIGURATION,
    attack="spattack_l_s",
    aggregator="trimmed_mean",
    trim_form="classic",
    trim_share_given=True,
    clip=True,
    partial_participation=True,
)
NUMBERS = Hyperparameters(
    learning_rate=0.1,
    malicious_clients=2,
    expected_byzantine=2,
    max_poisoned_items=9,
    trim_share=0.1,
    participation=0.8,
)
CHANGES = {
    "learning_rate": 0.2,
    "regularization": 0.3,
    "malicious_clients": ROOM,
    "expected_byzantine": 1,
    "attack_start": 2,
    "noise_scale": 5.0,
    "max_poisoned_items": 4,
    "lie_z": 2.0,
    "clip_norm": 0.2,
    "trim_share": 0.4,
    "participation": 0.5,
    "privacy_clip": 0.001,
    "privacy_noise": 0.1,
}
# In a run with these settings.
PRIVATE = dataclasses.replace(CONFIGURED, local_privacy=True)

Outcome = tuple[TrainingState, RoundReport]


def run(
    numbers: Hyperparameters = NUMBERS,
    seed: int = 0,
    eval_every: int = 3,
    configuration: Configuration = CONFIGURED,
) -> Outcome:
    key, layout = jax.random.key(seed), small_layout()
    return simulate(configuration, numbers, layout, key, ROUNDS, eval_every)


@functools.cache
def run_once(seed: int = 0, configuration: Configuration = CONFIGURED) -> Outcome:
    return run(seed=seed, configuration=configuration)


@functools.cache
def run_in_stretches() -> tuple[list[TrainingState], RoundReport]:
    """The states after each stretch; the last one reaches past the end."""
    key = jax.random.key(0)
    setup, state = start(CONFIGURED, NUMBERS, small_layout(), key)
    states, reports = [], []
    for first in range(0, ROUNDS, STRETCH):
        state, report = train_rounds(
            CONFIGURED,
            NUMBERS,
            small_layout(),
            setup,
            state,
            jnp.arange(first, first + STRETCH, dtype=jnp.int32),
            jnp.int32(ROUNDS),
            jnp.int32(STRETCH),
        )
        states.append(state)
        reports.append(report)
    return states, jax.tree.map(lambda *parts: jnp.concatenate(parts), *reports)


def number_of_programs() -> list[int]:
    jitted = cast(list[Any], [_start, train_rounds])
    return [function._cache_size() for function in jitted]


def assert_same_bits(first, second) -> None:
    jax.tree.map(np.testing.assert_array_equal, first, second)


def item_change(first: Outcome, second: Outcome) -> float:
    change = first[0].item_embeddings - second[0].item_embeddings
    return float(jnp.max(jnp.abs(change)))


# --- seeds ---


def test_the_same_seed_gives_the_same_bits():
    assert_same_bits(run(), run_once())


def test_another_seed_gives_another_run():
    assert item_change(run_once(1), run_once(0)) > 1e-3


def test_seeds_can_be_mapped_over():
    keys = jnp.stack([jax.random.key(0), jax.random.key(1)])
    together = jax.jit(
        jax.vmap(
            lambda key: simulate(CONFIGURED, NUMBERS, small_layout(), key, ROUNDS)
        ),
        compiler_options=QUICK_COMPILE,
    )(keys)
    for seed in (0, 1):
        state, report = jax.tree.map(lambda leaf: leaf[seed], together)  # noqa: B023
        alone, alone_report = run_once(seed)
        jax.tree.map(
            functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6),
            (state.item_embeddings, state.clients.embedding),
            (alone.item_embeddings, alone.clients.embedding),
        )
        last = jax.tree.map(lambda leaf: leaf[-1], report.outcome)
        alone_last = jax.tree.map(lambda leaf: leaf[-1], alone_report.outcome)
        jax.tree.map(np.testing.assert_allclose, last, alone_last)


# --- numbers ---


def test_changing_numbers_compiles_nothing():
    run_once()
    programs = number_of_programs()
    for name, value in CHANGES.items():
        run(NUMBERS._replace(**{name: value}))
    run(eval_every=1)
    assert number_of_programs() == programs


@pytest.mark.parametrize("name", CHANGES)
def test_every_number_has_its_effect(name):
    configuration = PRIVATE if name.startswith("privacy") else CONFIGURED
    outcome = run(
        NUMBERS._replace(**{name: CHANGES[name]}), configuration=configuration
    )
    # The share to trim is given here, so no number of clients is expected; and the
    # attack is not LIE.
    has_effect = name not in ("expected_byzantine", "lie_z")
    before = run_once(configuration=configuration)
    assert (item_change(outcome, before) > 1e-4) == has_effect


@pytest.mark.parametrize("name", ["privacy_clip", "privacy_noise"])
def test_numbers_of_private_uploads_have_no_effect_without_them(name):
    outcome = run(NUMBERS._replace(**{name: CHANGES[name]}))
    assert item_change(outcome, run_once()) == 0


def test_other_targets_compile_nothing_and_change_their_exposure_alone():
    metrics = parse_metrics("hr@5,er@5")
    watching = dataclasses.replace(CONFIGURED, metrics=metrics, num_targets=2)
    numbers = NUMBERS._replace(targets=(0, 3))
    first, programs = run(numbers, configuration=watching), number_of_programs()
    others = numbers._replace(targets=(POPULAR, POPULAR))
    second = run(others, configuration=watching)
    assert number_of_programs() == programs
    assert_same_bits(first[0], second[0])
    found, other = (averages(metrics, report.outcome) for _, report in (first, second))
    assert_same_bits(found["hr@5"], other["hr@5"])
    assert np.any(found["er@5"] != other["er@5"])


def test_other_metrics_leave_the_run_alone():
    """Their candidates and targets have random keys of their own."""
    names = "hr@5,ndcg@5,hr@10,ndcg@10,full_hr@5,within_third_hr@5,er@5,percentile"
    metrics = parse_metrics(names)
    watching = dataclasses.replace(CONFIGURED, metrics=metrics, num_targets=1)
    numbers = NUMBERS._replace(targets=(COLD,))
    state, report = run(numbers, configuration=watching)
    plain = run_once()
    assert_same_bits(state, plain[0])
    found = averages(metrics, report.outcome)
    for name, value in averages(CONFIGURED.metrics, plain[1].outcome).items():
        np.testing.assert_array_equal(found[name], value)


def test_an_attack_that_starts_after_the_last_round_is_no_attack():
    # Which is refused, unless the number is traced.
    run_traced = jax.jit(lambda numbers: run(numbers))
    late, nobody = (
        run_traced(NUMBERS._replace(participation=1.0, **numbers))
        for numbers in ({"attack_start": ROUNDS}, {"malicious_clients": 0})
    )
    assert item_change(late, nobody) == 0


# --- stretches and the schedule of evaluations ---


def test_a_run_in_stretches_is_the_run_in_one_go_bit_for_bit():
    states, report = run_in_stretches()
    state, whole = run(eval_every=STRETCH)
    assert_same_bits(states[-1], state)
    assert_same_bits(jax.tree.map(lambda leaf: leaf[:ROUNDS], report), whole)


def test_rounds_past_the_end_report_nothing():
    _, report = run_in_stretches()
    assert report.evaluated.shape == (2 * STRETCH,)
    past = jax.tree.map(lambda leaf: leaf[ROUNDS:], report)
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(past))


@pytest.mark.parametrize(
    ("eval_every", "expected"),
    [
        (0, [7]),
        (1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3, [2, 5, 7]),
        (4, [3, 7]),
        (100, [7]),
    ],
)
def test_evaluations_follow_the_schedule_and_the_last_round(eval_every, expected):
    _, report = run(eval_every=eval_every)
    np.testing.assert_array_equal(np.flatnonzero(report.evaluated), expected)
    users = np.zeros(ROUNDS, int)
    users[expected] = np.sum(small_layout().test_items.exists)
    np.testing.assert_array_equal(report.outcome.num_users[:, 0], users)


def test_an_evaluation_is_that_of_the_state_after_its_round():
    states, report = run_in_stretches()
    setup, _ = start(CONFIGURED, NUMBERS, small_layout(), jax.random.key(0))
    for number, state in ((STRETCH - 1, states[0]), (ROUNDS - 1, states[1])):
        scheduled = jax.tree.map(lambda leaf: leaf[number], report.outcome)  # noqa: B023
        now: Counted = evaluate_now(CONFIGURED, small_layout(), setup, state)
        jax.tree.map(np.testing.assert_allclose, scheduled, now)
        assert averages(CONFIGURED.metrics, now)["hr@10"] > 0


# --- Spattack-O-D against the mean ---


def test_under_the_mean_o_d_holds_every_item_at_its_initial_value_for_200_rounds():
    configuration = dataclasses.replace(CONFIGURATION, attack="spattack_o_d")
    key = jax.random.key(0)
    quick = jax.jit(
        lambda numbers: simulate(configuration, numbers, small_layout(), key, 200)[0],
        compiler_options=QUICK_COMPILE,
    )
    numbers = Hyperparameters(learning_rate=0.1, malicious_clients=1)
    attacked, clean = quick(numbers), quick(numbers._replace(malicious_clients=0))
    initial = initial_items(key)
    assert jnp.max(jnp.abs(attacked.item_embeddings - initial)) < 1e-6
    assert jnp.max(jnp.abs(clean.item_embeddings - initial)) > 0.1


def initial_items(key: jax.Array) -> jax.Array:
    """The items before round 0, which depend on nothing but the seed."""
    _, state = start(CONFIGURED, NUMBERS, small_layout(), key)
    return state.item_embeddings


def test_a_layout_planned_for_other_devices_is_refused():
    configuration = dataclasses.replace(CONFIGURATION, num_devices=2)
    with pytest.raises(InvalidInputError, match="the layout is planned for 1"):
        simulate(configuration, Hyperparameters(), small_layout(), jax.random.key(0), 1)


@pytest.mark.parametrize(
    ("changes", "numbers", "message"),
    [
        ({"attack": "spattack_o_d"}, {}, "malicious_clients=0: "),
        ({"aggregator": "trimmed_mean"}, {}, "expected_byzantine=-1: "),
        ({"attack": "lie"}, {"malicious_clients": 1, "attack_start": 1}, "attack_sta"),
        ({}, {"learning_rate": 1e39}, "learning_rate=1e"),
    ],
)
def test_settings_are_looked_at_by_the_run_itself(changes, numbers, message):
    configuration = dataclasses.replace(CONFIGURATION, **changes)
    settings, layout, key = Hyperparameters(**numbers), small_layout(), run_key(0)
    with pytest.raises(InvalidInputError, match=f"^{message}"):
        simulate(configuration, settings, layout, key, rounds=1)
