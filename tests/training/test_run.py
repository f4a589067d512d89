"""Whole runs: schedule, stretches, seeds, and what compiles anew."""

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxfr.attacks import spattack_l_s
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.names import parse_metrics
from jaxfr.evaluation.outcome import Outcome as Counted
from jaxfr.evaluation.outcome import averages
from jaxfr.evaluation.targets import COLD, POPULAR
from jaxfr.experiment import Experiment
from jaxfr.training import (
    RoundReport,
    TrainingState,
    evaluate_now,
    layout_for,
    run_key,
    simulate,
    start,
    train_rounds,
)
from jaxfr.training.start import _begin, _draw
from tests.training.problem import (
    EXPERIMENT,
    ROOM,
    changed,
    configured,
    small_dataset,
    small_layout,
)

ROUNDS, STRETCH = 8, 5

# An experiment in which all its numbers have a say, but one.
CONFIGURED = configured(
    "spattack_l_s:max_poisoned_items=9",
    "clip_by_norm+classic_trimmed_mean:0.1",
    learning_rate=0.1,
    malicious_clients=2,
    expected_byzantine=2,
    participation=0.8,
)
# Clients that protect their uploads besides.
PRIVATE = changed(CONFIGURED, privacy_clip=1.0)
CHANGES = {
    "learning_rate": {"learning_rate": 0.2},
    "regularization": {"regularization": 0.3},
    "malicious_clients": {"malicious_clients": ROOM},
    "expected_byzantine": {"expected_byzantine": 1},
    "attack_start": {"attack_start": 2},
    "noise_scale": {"attack": spattack_l_s(5.0, max_poisoned_items=9)},
    "max_poisoned_items": {"attack": spattack_l_s(max_poisoned_items=4)},
    "clip_norm": {"aggregator": "clip_by_norm:0.2+classic_trimmed_mean:0.1"},
    "trim_share": {"aggregator": "clip_by_norm+classic_trimmed_mean:0.4"},
    "participation": {"participation": 0.5},
    "privacy_clip": {"privacy_clip": 0.001},
    "privacy_noise": {"privacy_noise": 0.1},
}

Outcome = tuple[TrainingState, RoundReport]


def base_of(name: str) -> Experiment:
    """The experiment in which this number is to be changed."""
    return PRIVATE if name.startswith("privacy") else CONFIGURED


def run(
    experiment: Experiment = CONFIGURED, seed: int = 0, eval_every: int = 3
) -> Outcome:
    return simulate(experiment, small_layout(), ROUNDS, seed, eval_every)


@functools.cache
def run_once(seed: int = 0, experiment: Experiment = CONFIGURED) -> Outcome:
    return run(experiment, seed)


@functools.cache
def run_in_stretches() -> tuple[list[TrainingState], RoundReport]:
    """The states after each stretch; the last one reaches past the end."""
    layout = small_layout()
    setup, state = start(CONFIGURED, layout, run_key(0))
    states, reports = [], []
    for first in range(0, ROUNDS, STRETCH):
        state, report = train_rounds(
            CONFIGURED,
            layout,
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
    jitted = cast(list[Any], [_draw, _begin, train_rounds])
    return [function._cache_size() for function in jitted]


def assert_same_bits(first, second) -> None:
    jax.tree.map(np.testing.assert_array_equal, first, second)


def item_change(first: Outcome, second: Outcome) -> float:
    change = first[0].item_embeddings - second[0].item_embeddings
    return float(jnp.max(jnp.abs(change)))


# --- seeds ---


def test_another_seed_gives_another_run():
    assert item_change(run_once(1), run_once(0)) > 1e-3


# --- numbers ---


def test_changing_numbers_compiles_nothing():
    run_once()
    run_once(experiment=PRIVATE)
    programs = number_of_programs()
    for name, changes in CHANGES.items():
        run(changed(base_of(name), **changes))
    run(eval_every=1)
    assert number_of_programs() == programs


@pytest.mark.parametrize("name", CHANGES)
def test_every_number_has_its_effect(name):
    before = run_once(experiment=base_of(name))
    outcome = run(changed(base_of(name), **CHANGES[name]))
    # The share to trim is given here, so no number of clients is expected.
    has_effect = name != "expected_byzantine"
    assert (item_change(outcome, before) > 1e-4) == has_effect


def test_other_targets_compile_nothing_and_change_their_exposure_alone():
    metrics = parse_metrics("hr@5,er@5")
    watching = changed(CONFIGURED, metrics=metrics, targets=(0, 3))
    first, programs = run(watching), number_of_programs()
    second = run(changed(watching, targets=(POPULAR, POPULAR)))
    assert number_of_programs() == programs
    assert_same_bits(first[0], second[0])
    found, other = (averages(metrics, report.outcome) for _, report in (first, second))
    assert_same_bits(found["hr@5"], other["hr@5"])
    assert np.any(found["er@5"] != other["er@5"])


def test_other_metrics_leave_the_run_alone():
    """Their candidates and targets have random keys of their own."""
    names = "hr@5,ndcg@5,hr@10,ndcg@10,full_hr@5,within_third_hr@5,er@5,percentile"
    metrics = parse_metrics(names)
    state, report = run(changed(CONFIGURED, metrics=metrics, targets=(COLD,)))
    plain = run_once()
    assert_same_bits(state, plain[0])
    found = averages(metrics, report.outcome)
    for name, value in averages(CONFIGURED.metrics, plain[1].outcome).items():
        np.testing.assert_array_equal(found[name], value)


def test_an_attack_that_starts_after_the_last_round_is_no_attack():
    # Which is refused, unless the number is traced.
    run_traced = jax.jit(lambda experiment: run(experiment))
    late, nobody = (
        run_traced(changed(CONFIGURED, participation=1.0, **changes))
        for changes in ({"attack_start": ROUNDS}, {"malicious_clients": 0})
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
    setup, _ = start(CONFIGURED, small_layout(), run_key(0))
    for number, state in ((STRETCH - 1, states[0]), (ROUNDS - 1, states[1])):
        scheduled = jax.tree.map(lambda leaf: leaf[number], report.outcome)  # noqa: B023
        now: Counted = evaluate_now(CONFIGURED, small_layout(), setup, state)
        jax.tree.map(np.testing.assert_allclose, scheduled, now)
        assert averages(CONFIGURED.metrics, now)["hr@10"] > 0


# --- one call from data to the end ---


def test_data_and_their_layout_give_the_same_run():
    experiment = changed(CONFIGURED, malicious_clients=None, malicious_ratio=0.21)
    settled = experiment.with_data(small_dataset().num_users)
    assert settled.malicious_clients == ROOM
    layout = layout_for(settled, small_dataset())
    of_data, of_layout, of_key = (
        simulate(experiment, small_dataset(), ROUNDS, 1),
        simulate(experiment, layout, ROUNDS, 1),
        simulate(settled, layout, ROUNDS, run_key(1)),
    )
    assert_same_bits(of_data, of_layout)
    assert_same_bits(of_data, of_key)


def test_an_experiment_is_looked_at_by_the_run_itself():
    with pytest.raises(InvalidInputError, match=r"^rounds=0:"):
        simulate(EXPERIMENT, small_layout(), 0)
